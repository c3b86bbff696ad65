"""`python -m peerwatt`: the command line, where the `peerwatt` script is not on the path."""

from peerwatt.cli import main

if __name__ == "__main__":
    main()

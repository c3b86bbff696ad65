"""Files that meters, portals and utilities export, understood and said before anything is used."""

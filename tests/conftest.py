"""What every test shares: reproducible examples, and a compiler for contracts that only a test needs."""

import os
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

from compile_contracts import compile_sources
from peerwatt.chain import Artifact

# The same examples in every run; the long tests look for new ones.
settings.register_profile("default", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("PEERWATT_HYPOTHESIS", "default"))

CompileSolidity = Callable[[Mapping[str, str]], dict[str, Artifact]]


@pytest.fixture(scope="session")
def compile_solidity() -> CompileSolidity:
    """A function from sources (repository path to text) to artifacts, compiled as the shipped ones are."""

    def compile_them(sources: Mapping[str, str]) -> dict[str, Artifact]:
        return {name: Artifact.from_json(content) for name, content in compile_sources(sources).items()}

    return compile_them

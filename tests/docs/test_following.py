"""`tools/follow.py` notices a page that lies; `tools/packed.py` what does not belong in a package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
FILE = '```text title="a.txt"\none\ntwo\n```\n'
PATCH = '```diff title="a.txt"\n--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n one\n-{}\n+three\n```\n'


def tool(name: str) -> ModuleType:
    """One of the project's tools, which are scripts."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOLLOW, PACKED = tool("follow"), tool("packed")


def follow(directory: Path, page: str) -> int:
    (directory / "page.md").write_text(page)
    (directory / "there").mkdir()
    steps: int = FOLLOW.follow(directory / "page.md", directory / "there")
    return steps


def test_a_page_that_is_true_is_followed_to_its_end(tmp_path: Path) -> None:
    told = "```console\n$ cat a.txt\none\nthree\n$ echo one; \\\n  exit 3  # exit status 3\no...e\n```\n"
    assert follow(tmp_path, FILE + PATCH.format("two") + told + "```console title-less\nnothing\n```\n") == 4


LIES = {
    "another output": "```console\n$ echo one\ntwo\n```\n",
    "less output": "```console\n$ echo one two\none\n```\n",
    "more output": "```console\n$ echo one\none two\n```\n",
    "it fails": "```console\n$ false\n```\n",
    "it does not fail": "```console\n$ true  # exit status 1\n```\n",
    "another exit status": "```console\n$ exit 2  # exit status 1\n```\n",
    "no such command": "```console\n$ no-such-command\n...\n```\n",
    "a patch that does not apply": FILE + PATCH.format("twenty"),
    "a patch of nothing": PATCH.format("two"),
    "no command": "```console\none\n```\n",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_lies_is_noticed(lie: str, tmp_path: Path) -> None:
    with pytest.raises(FOLLOW.Astray):
        follow(tmp_path, LIES[lie])


def test_what_does_not_belong_in_a_package_is_noticed() -> None:
    wheel = ["sa_privacy/__init__.py", "sa_privacy/py.typed", "sa_privacy-1.dist-info/licenses/LICENSE"]
    sources = [f"sa_privacy-1/src/{name}" for name in wheel[:2]]
    assert PACKED.faults_of_wheel(wheel) == PACKED.faults_of_sdist(sources) == []
    for stray in ("tests/test_a.py", "examples/a.py", "sa_privacy/key.pem", "CANARYVALUE", "sa_privacy/shop.db"):
        assert PACKED.faults_of_wheel([*wheel, stray]) == [f"{stray} does not belong in a wheel"]
    for stray in ("CANARYVALUE", "key.pem", "docs/key.pem", "examples/shop_app/keys.json", "tests/shop.db"):
        assert PACKED.faults_of_sdist([*sources, f"sa_privacy-1/{stray}"]) == [
            f"{stray} does not belong in the sources"
        ]
    for number in range(2):
        assert PACKED.faults_of_wheel(wheel[:number] + wheel[number + 1 :]) == [f"{wheel[number]} is missing"]
    assert PACKED.faults_of_wheel(wheel[:2]) == ["the licence is missing"]


def test_the_top_of_the_repository_holds_what_is_known_alone() -> None:
    """Once a key and a canary of a test were committed there by mistake."""
    known = {
        *(".ci", ".git", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "mkdocs.yml"),
        *("benchmarks", "docs", "examples", "pyproject.toml", "src", "tests", "tools"),
    }
    top = TOOLS.parent
    ignored = [line.strip("/") for line in (top / ".gitignore").read_text().splitlines() if line and line[0] != "#"]
    found = {one.name for one in top.iterdir() if not any(one.match(pattern) for pattern in ignored)}
    assert found - known == set()

"""No file that is loaded can run code: nothing is unpickled."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fer_core.paths import ROOT

PROGRAM = sorted(
    [
        ROOT / "app.py",
        *(p for each in ("fer_core", "pages", "deploy") for p in (ROOT / each).rglob("*.py")),
    ]
)

# Modules whose loaders run what they load.
FORBIDDEN = {"joblib", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle"}

# Methods and functions of others that do, by their names.
CALLS = {"read_pickle", "to_pickle", "unsafe_load"}

# Only its exception may be named: what torch.load raises for a file it will not read.
PICKLE_MAY = {"UnpicklingError"}


def faults(source: str) -> list[str]:
    """The forbidden calls of a module, with their lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            found += [f"{node.lineno}: imports {name}" for name in names & FORBIDDEN]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in FORBIDDEN | {"pickle"}:
                found.append(f"{node.lineno}: imports from {node.module}")
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pickle":
            found += [f"{node.lineno}: pickle.{name}" for name in {node.attr} - PICKLE_MAY]
        elif isinstance(node, ast.Call):
            found += _call_faults(node)
    return found


def _call_faults(call: ast.Call) -> list[str]:
    named = {word.arg: ast.unparse(word.value) for word in call.keywords}
    what = ast.unparse(call.func)
    if what in ("eval", "exec", "compile") or what.rpartition(".")[2] in CALLS:
        return [f"{call.lineno}: calls {what}"]
    if what == "torch.load" and named.get("weights_only") != "True":
        return [f"{call.lineno}: torch.load without weights_only=True"]
    if named.get("allow_pickle", "False") != "False":
        return [f"{call.lineno}: {what} with allow_pickle"]
    if what == "yaml.load":
        return [f"{call.lineno}: yaml.load"]
    return []


@pytest.mark.parametrize("path", PROGRAM, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_loaded_that_can_run(path: Path):
    assert faults(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.loads(b'')", "from pickle import loads", "import joblib",
        "import dill.source", "from joblib import load", "torch.load(p)",
        "torch.load(p, weights_only=False)", "np.load(p, allow_pickle=True)", "eval('1')",
        "pd.read_pickle(p)", "yaml.load(text)",
    ],
)  # fmt: skip
def test_the_check_sees(source):
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(p, weights_only=True)", "np.load(p)", "network.eval()", "re.compile('a')",
        "import pickle\ntry: ...\nexcept pickle.UnpicklingError: ...", "yaml.safe_load(text)",
    ],
)  # fmt: skip
def test_the_check_is_no_fool(source):
    assert faults(source) == []

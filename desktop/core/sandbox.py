"""Renders chat templates that strangers wrote: no Python internals, no endless loop, no text without end.

Invariant: `render` returns within a fixed number of steps, a few seconds and some hundred megabytes at the very worst,
or raises `TemplateError`. The sandbox is Jinja's (CVE-2024-34359 was a template rendered without one); this module adds
what Jinja leaves open: time and size. It does not know what a prompt is. Why not a process of its own:
docs/decisions/003.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from desktop.core.errors import N_, TemplateError

SOURCE_LIMIT = 256 * 1024  # characters; the longest template in use in 2026 has about 30,000
TIME_LIMIT = 5.0  # seconds; the slowest real template over 1,000 messages takes some tenths
TEXT_LIMIT = 16 * 1024 * 1024  # characters a rendered prompt may have; a 5 MB paste must still pass
WORK_LIMIT = 12 * TEXT_LIMIT  # characters made on the way; Qwen3's template copies every message five times
SEARCH_LIMIT = 2**30  # a second or so of comparing characters; 5 MB searched for 200 characters
STEP_LIMIT = 2_000_000  # a chat of 1,000 messages takes some ten thousand
HUGE = 2**64  # a whole number beyond it has no place in a prompt
ELEMENT = 32  # characters that one element of a list costs: a pointer and the head of what it points to

_FILTERS = (  # without `sum`, `round` and `format`: each can cost anything in one step, and no template in use has them
    "abs capitalize count d default dictsort e escape first float int items join last length list lower map max min "
    "reject rejectattr replace reverse safe select selectattr sort string title tojson trim unique upper"
).split()
_TEXT_METHODS = frozenset(
    "capitalize count endswith find index isalnum isalpha isdigit isspace join lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines startswith strip title upper".split()
)
_BACKWARDS = frozenset("strip lstrip rstrip rfind rindex rpartition rsplit".split())  # Python's take length × length


class EndlessTemplate(TemplateError):
    """The template takes more than it may. Another try with the turns arranged differently would take as much."""


class _TooMuch(Exception):
    """The template exceeded its steps or its text."""


class _Refused(Exception):
    """The template called `raise_exception`."""


class _Namespace(Namespace):
    """Jinja's, without its contents in its text: they may hold one value many times over."""

    def __repr__(self) -> str:
        return "namespace"


class _Generation(Extension):
    """`{% generation %} … {% endgeneration %}` marks replies for training; for us it is plain text."""

    tags = {"generation"}  # noqa: RUF012 (Jinja declares it so)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with steps counted and growth measured.

    Every loop step, call, filter, test, comparison, operator and look-up passes `step`; whatever makes a text or a
    list is charged for it, so that what one step alone can cost is bounded and the limit of time holds too. The checks
    are reached as attributes of the environment, a name that no template can set.
    """

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
            cache_size=0,
            finalize=self.text,
        )
        self.filters = {name: self._stepping(self.filters[name]) for name in _FILTERS}
        self.filters |= {"tojson": self._to_json, "replace": self._replace_filter, "join": self._join_filter}
        self.filters |= {"string": self.text, "safe": self.text, "trim": self._trim_filter}
        tests: dict[str, Any] = self.tests
        self.tests = {name: self._stepping(test) for name, test in tests.items()}
        self.globals = {"range": self.globals["range"], "namespace": _Namespace, "dict": self._dict}
        self.steps = 0
        self.made = 0
        self.ends = time.monotonic() + TIME_LIMIT

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = _Checks().visit(super()._parse(source, name, filename))
        assert isinstance(tree, nodes.Template)
        tree.set_environment(self)
        return tree

    def step(self) -> bool:
        """Counts one step; always true, so that it can stand in a condition."""
        self.steps += 1
        if self.steps > STEP_LIMIT or time.monotonic() > self.ends:
            raise _TooMuch
        return True

    def charge(self, size: int) -> None:
        """Counts what is made, or about to be made."""
        self.made += size
        if size > TEXT_LIMIT or self.made > WORK_LIMIT:
            raise _TooMuch

    def measured(self, value: Any) -> Any:
        """A slice or a literal, charged for."""
        self.charge(_weight(value))
        return value

    def text(self, value: object) -> str:
        """A value as it is written, measured first: `[[x, x], [x, x]]` may be small in memory and endless as text."""
        self.step()
        if type(value) is str:
            return value
        self.charge(_weight(value))
        return str(value)

    def joined(self, *parts: object) -> str:
        """`a ~ b`, measured first."""
        return self._join("", parts)

    def concat(self, parts: Iterable[str]) -> str:  # Jinja joins what a block wrote by this
        return self._join("", parts)

    def _stepping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)  # keeps Jinja's marks of what it wants passed first
        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            return self._paid(original(*args, **kwargs), args)

        return stepped

    def _paid(self, result: Any, given: Collection[object]) -> Any:
        """A result, charged for unless it is one of the things given."""
        return result if any(result is one for one in given) else self.measured(result)

    def _dict(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def _replace_filter(self, text: object, old: str, new: str, count: int = -1) -> str:
        return self._replace(self.text(text), old, new, count)

    def _join_filter(self, values: Any, separator: str = "", attribute: str | None = None) -> str:
        items = (self.getitem(v, attribute) if attribute else v for v in values)
        return self._join(self.text(separator), items)

    def _trim_filter(self, text: object, characters: str | None = None) -> str:
        return self.text(text).strip(_searchable(self.text(text), characters))

    def _replace(self, text: str, old: str, new: str, count: int = -1) -> str:
        times = text.count(old) if old else len(text) + 1
        self.charge(len(text) + times * len(new))
        return text.replace(old, new, count)

    def _join(self, separator: str, values: Iterable[object]) -> str:
        texts = [self.text(v) for v in values]
        self.charge(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    def _to_json(self, value: object, indent: int | None = None, **_: object) -> str:
        """As transformers renders it: no HTML escapes, Hangul as it is."""
        self.charge(_weight(value))
        parts: list[str] = []
        for part in json.JSONEncoder(ensure_ascii=False, indent=min(indent, 8) if indent else None).iterencode(value):
            self.step()
            self.charge(len(part))
            parts.append(part)
        return "".join(parts)

    def getattr(self, obj: Any, attribute: str) -> Any:
        self.step()
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        self.step()
        return super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, int | float | bytes):
            return False  # `(1).to_bytes(10 ** 9)`
        return bool(super().is_safe_attribute(obj, attr, value))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        return None  # `'{:>999999999}'.format(1)` is a gigabyte; no template in use formats so

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.step()
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        if isinstance(owner, str) and name == "replace":
            return self._replace(owner, *args, **kwargs)
        if isinstance(owner, str) and name == "join":
            return self._join(owner, *args)
        if isinstance(owner, str) and name in _BACKWARDS and args:
            _searchable(owner, args[0])
        if isinstance(obj, Macro) and (obj.catch_varargs or obj.catch_kwargs):
            raise _TooMuch  # makes lists out of sight; no template in use does
        return self._paid(super().call(context, obj, *args, **kwargs), args)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.step()
        if operator == "**" or (operator == "%" and isinstance(left, str)) or _huge(left) or _huge(right):
            raise _TooMuch
        if operator == "*":
            self.charge(_weight(left) * max(_weight(right), 1))
        if operator == "+":
            self.charge(_weight(left) + _weight(right))
        return super().call_binop(context, operator, left, right)


class _Checks(NodeTransformer):
    """Puts a step into loops, their conditions, macros and comparisons; measures `a ~ b`, slices and literals."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _call("joined", *node.nodes)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        return nodes.And(_call("step"), node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _call("measured", node) if isinstance(node.arg, nodes.Slice) else node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return self._literal(node, node.items)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        return node if node.ctx != "load" else self._literal(node, node.items)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return self._literal(node, [item.value for item in node.items])

    def _literal(self, node: nodes.Expr, items: list[nodes.Expr]) -> nodes.Node:
        self.generic_visit(node)
        return node if all(isinstance(item, nodes.Const) for item in items) else _call("measured", node)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_call("step")))
        if node.test is not None:
            node.test = nodes.And(_call("step"), node.test)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_call("step")))
        return node


def _call(name: str, *arguments: nodes.Expr) -> nodes.Call:
    return nodes.Call(nodes.EnvironmentAttribute(name), list(arguments), [], None, None)


def _searchable(text: str, wanted: str | None) -> str | None:
    """What is searched for, unless the search could take seconds."""
    if wanted and len(text) * len(wanted) > SEARCH_LIMIT:
        raise _TooMuch
    return wanted


def _huge(value: object) -> bool:
    return isinstance(value, int) and abs(value) > HUGE  # ('f' * 10 ** 7)|int(base=16): dividing takes hours


def _weight(value: object, known: dict[int, int] | None = None) -> int:
    """What a value would cost written out: characters, for a large whole number its size, for a list all it holds.

    A value held twice counts twice but is looked at once, so that sixty lists of two cannot stand for 2⁶⁰ elements.
    """
    if isinstance(value, str):
        return len(value)
    if isinstance(value, int):
        return min(abs(value), HUGE) if abs(value) > TEXT_LIMIT else 1
    if isinstance(value, range) or not isinstance(value, Collection):
        return 1
    known = {} if known is None else known
    if id(value) not in known:
        held = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(ELEMENT + _weight(one, known) for one in held)
    return known[id(value)]


def render(source: str, variables: Mapping[str, object], now: datetime) -> str:
    """The template's text. Raises `TemplateError` if it is not a template, refuses, or takes too much.

    `variables` are what the template may see; `raise_exception` and `strftime_now` are added here, as transformers
    does (Hugging Face, "Chat templates: advanced").
    """
    if len(source) > SOURCE_LIMIT:
        raise TemplateError(N_("The model's chat template is too long to be one. Choose a template for this chat."))
    environment = _Environment()
    own = {"raise_exception": _refuse, "strftime_now": lambda form: now.strftime(str(form)[:100])}
    try:
        return environment.from_string(source).render({**variables, **own})
    except _Refused as refusal:
        raise TemplateError(
            N_("The model's chat template refuses this conversation: {reason}"), reason=str(refusal)[:200]
        ) from refusal
    except _TooMuch as excess:
        raise EndlessTemplate(
            N_("The model's chat template does not come to an end. Choose another template for this chat.")
        ) from excess
    except _FAULTS as fault:
        raise TemplateError(
            N_("The model's chat template has a fault ({reason}). Choose another template for this chat."),
            reason=f"{type(fault).__name__}: {fault}"[:200],
        ) from fault


_FAULTS = (
    JinjaError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    OSError,  # a stranger's format for the date may be one the C library refuses
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def _refuse(reason: object = "") -> str:
    raise _Refused(str(reason))

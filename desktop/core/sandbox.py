"""Renders chat templates that strangers wrote: no Python internals, no endless loop, no text without end.

Invariant: `render` returns within a fixed number of loop steps, a few seconds and a few megabytes, or raises
`TemplateError`. The
sandbox is Jinja's (CVE-2024-34359 was a template rendered without one); this module adds what Jinja leaves open: time
and size. It does not know what a prompt is.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from desktop.core.errors import N_, TemplateError

SOURCE_LIMIT = 256 * 1024  # characters; the longest template in use in 2026 has about 30,000
TIME_LIMIT = 5.0  # seconds; the slowest real template over 1,000 messages takes some tenths
TEXT_LIMIT = 16 * 1024 * 1024  # characters a rendered prompt may have; a 5 MB paste must still pass
STEP_LIMIT = 500_000  # loop steps; a chat of 1,000 messages takes some ten thousand

_FILTERS = (
    "abs capitalize count d default dictsort e escape first float int items join last length list lower map max min "
    "reject rejectattr replace reverse round safe select selectattr sort string title tojson trim unique upper"
).split()
_TEXT_METHODS = frozenset(
    "capitalize count endswith find index isalnum isalpha isdigit isspace join lower lstrip partition removeprefix "
    "removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines startswith strip title upper".split()
)


class _TooMuch(Exception):
    """The template exceeded its steps or its text."""


class _Refused(Exception):
    """The template called `raise_exception`."""


class _Generation(Extension):
    """`{% generation %} … {% endgeneration %}` marks replies for training; for us it is plain text."""

    tags = {"generation"}  # noqa: RUF012 (Jinja declares it so)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with steps counted and growth measured.

    Every loop step, call, filter and operator passes `step`; what one of them alone can cost is bounded by the text
    limit, so that the limit of time holds too. The checks are reached as attributes of the environment, a name that no
    template can set.
    """

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation], cache_size=0
        )
        self.filters = {name: self._stepping(self.filters[name]) for name in _FILTERS}
        self.filters |= {"tojson": _to_json, "replace": self._replace_filter, "join": self._join_filter}
        self.globals = {name: self.globals[name] for name in ("range", "namespace", "dict")}
        self.steps = 0
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

    def joined(self, *parts: object) -> str:
        """`a ~ b`, measured first."""
        return self._join("", parts)

    def concat(self, parts: Iterable[str]) -> str:  # Jinja joins what a block wrote by this
        return self._join("", parts)

    def _stepping(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)  # keeps Jinja's marks of what the filter wants passed first
        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            return original(*args, **kwargs)

        return stepped

    def _replace_filter(self, text: object, old: str, new: str, count: int = -1) -> str:
        return self._replace(str(text), old, new, count)

    def _join_filter(self, values: Any, separator: str = "", attribute: str | None = None) -> str:
        items = [v[attribute] if attribute else v for v in values]
        return self._join(str(separator), items)

    def _replace(self, text: str, old: str, new: str, count: int = -1) -> str:
        times = text.count(old) if old else len(text) + 1
        _allow(len(text) + times * len(new))
        return text.replace(old, new, count)

    def _join(self, separator: str, values: Iterable[object]) -> str:
        texts = [str(v) for v in values]
        _allow(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
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
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.step()
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise _TooMuch
        if operator == "*":
            _allow(_weight(left) * max(_weight(right), 1))
        if operator == "+":
            _allow(_weight(left) + _weight(right))
        return super().call_binop(context, operator, left, right)


class _Checks(NodeTransformer):
    """Puts a step into every loop, condition of a loop and macro, and measures every `a ~ b`."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _call("joined", *node.nodes)

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


def _weight(value: object) -> int:
    """What a value costs when it is repeated or joined: a length, or for a whole number its bytes."""
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    return abs(value) if isinstance(value, int) and abs(value) > TEXT_LIMIT else 1


def _allow(length: int) -> None:
    if length > TEXT_LIMIT:
        raise _TooMuch


def _to_json(value: object, indent: int | None = None, **_: object) -> str:
    """As transformers renders it: no HTML escapes, Hangul as it is."""
    return json.dumps(value, ensure_ascii=False, indent=min(indent, 8) if indent else None)


def render(source: str, variables: Mapping[str, object], now: datetime) -> str:
    """The template's text. Raises `TemplateError` if it is not a template, refuses, or takes too much.

    `variables` are what the template may see; `raise_exception` and `strftime_now` are added here, as transformers
    does (Hugging Face, "Chat templates: advanced").
    """
    if len(source) > SOURCE_LIMIT:
        raise TemplateError(N_("The model's chat template is too long to be one. Choose a template for this chat."))
    environment = _Environment()
    own = {"raise_exception": _refuse, "strftime_now": lambda form: now.strftime(str(form)[:100])}
    written = 0
    parts: list[str] = []
    try:
        for part in environment.from_string(source).generate({**variables, **own}):
            written += len(part)
            _allow(written)
            parts.append(part)
    except _Refused as refusal:
        raise TemplateError(
            N_("The model's chat template refuses this conversation: {reason}"), reason=str(refusal)[:200]
        ) from refusal
    except _TooMuch as excess:
        raise TemplateError(
            N_("The model's chat template does not come to an end. Choose another template for this chat.")
        ) from excess
    except _FAULTS as fault:
        raise TemplateError(
            N_("The model's chat template has a fault ({reason}). Choose another template for this chat."),
            reason=f"{type(fault).__name__}: {fault}"[:200],
        ) from fault
    return "".join(parts)


_FAULTS = (
    JinjaError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,  # a stranger's format for the date may be one the C library refuses
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)


def _refuse(reason: object = "") -> str:
    raise _Refused(str(reason))

"""Every setting of Alcove, one row each; the form, the command line's help, validation and the reference page derive
from this table.

Invariant: a value that has passed `check` lies within its row's bounds and has its row's kind. Levels: a value set for
a chat wins over one for its model, which wins over the global one, which wins over the default. Nothing is read or
written here.
"""

from __future__ import annotations

from collections.abc import Mapping

from desktop.core.errors import N_, SettingError
from desktop.core.setting import Choice, Group, Kind, Scope, Setting, Value, Values

__all__ = ["Choice", "Group", "Kind", "Scope", "Setting", "Value", "Values"]  # for those who need rows and table

GPU_AUTOMATIC = -2  # GPU layers: as many as the card has room for


def _whole(key: str, label: str, help: str, default: int, low: int, high: int, **more: object) -> Setting:
    group = Group.LOAD if more.get("reload") else Group.SAMPLING
    return Setting(key, Kind.WHOLE, group, label, help, default, low, high, **more)  # type: ignore[arg-type]


def _number(key: str, label: str, help: str, default: float, high: float, low: float = 0.0) -> Setting:
    return Setting(key, Kind.NUMBER, Group.SAMPLING, label, help, default, low, high, 0.05)


def _switch(key: str, label: str, help: str, default: bool) -> Setting:
    return Setting(key, Kind.SWITCH, Group.LOAD, label, help, default, reload=True)


def _speed(
    key: str, label: str, help: str, default: bool = True, scope: Scope = Scope.GLOBAL, needs: str = ""
) -> Setting:
    return Setting(key, Kind.SWITCH, Group.SPEED, label, help, default, scope=scope, needs=needs)


_AUTO = ((0, N_("automatic")),)
_KV_TYPES = tuple(Choice(t, t) for t in ("f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"))

TABLE: tuple[Setting, ...] = (
    _whole(
        "context",
        N_("Context"),
        N_("How much text the model can look at, in tokens. More needs more memory."),
        4096,
        256,
        1_048_576,
        step=256,
        unit=N_("tokens"),
        special=((0, N_("as trained")),),
        reload=True,
    ),
    _whole(
        "threads",
        N_("Threads"),
        N_("Processor cores that write the answer. More than the physical cores makes it slower."),
        0,
        1,
        512,
        special=_AUTO,
        start=4,
        reload=True,
    ),
    _whole(
        "batch_threads",
        N_("Threads for reading"),
        N_("Processor cores that read your text. This may be more than the threads that write."),
        0,
        1,
        512,
        special=_AUTO,
        start=4,
        reload=True,
    ),
    _whole(
        "batch",
        N_("Batch"),
        N_("How many tokens are read at once. Larger reads faster and needs more memory."),
        512,
        1,
        8192,
        unit=N_("tokens"),
        reload=True,
    ),
    _whole(
        "gpu_layers",
        N_("GPU layers"),
        N_("How many layers of the model the graphics card computes. 0 keeps all on the processor."),
        GPU_AUTOMATIC,
        0,
        1000,
        special=((GPU_AUTOMATIC, N_("automatic")), (-1, N_("all"))),
        reload=True,
    ),
    Setting(
        "flash_attention",
        Kind.CHOICE,
        Group.LOAD,
        N_("Flash attention"),
        N_("A way to compute attention that needs less memory. Automatic uses it wherever the engine can."),
        "auto",
        choices=(
            Choice("auto", N_("Automatic")),
            Choice("on", N_("On")),
            Choice("off", N_("Off")),
        ),
        reload=True,
    ),
    Setting(
        "kv_type",
        Kind.CHOICE,
        Group.LOAD,
        N_("KV cache type"),
        N_("How the memory of the conversation is stored. q8_0 takes half of f16; below that quality suffers."),
        "f16",
        choices=_KV_TYPES,
        reload=True,
    ),
    _switch(
        "mmap",
        N_("Map the file into memory"),
        N_("Reads the model straight from the file: loads faster, and memory can be taken back by the system."),
        True,
    ),
    _switch(
        "mlock",
        N_("Lock in memory"),
        N_("Keeps the system from moving the model out of memory. Only when there is plenty."),
        False,
    ),
    _switch(
        "repack",
        N_("Repack for this processor"),
        N_("A second copy of the weights in the order this processor likes: faster reading, more memory."),
        True,
    ),
    _number(
        "temperature",
        N_("Temperature"),
        N_("0 always takes the likeliest word; 0.8 is lively; above 1.2 the text gets confused."),
        0.7,
        2.0,
    ),
    _whole(
        "top_k",
        N_("Top-k"),
        N_("Chooses among this many likeliest tokens only. 0 means no limit."),
        40,
        0,
        1000,
    ),
    _number(
        "top_p",
        N_("Top-p"),
        N_("Chooses among the likeliest tokens that together have this probability. 1 means no limit."),
        0.95,
        1.0,
    ),
    _number(
        "min_p",
        N_("Min-p"),
        N_("Leaves out tokens less likely than this part of the likeliest one. 0 means no limit."),
        0.05,
        1.0,
    ),
    _number(
        "repeat_penalty",
        N_("Repeat penalty"),
        N_("Makes words that were just used less likely. 1 means no penalty."),
        1.1,
        2.0,
        0.5,  # the engine divides by it
    ),
    _whole(
        "seed",
        N_("Seed"),
        N_("The start of the dice. With the same seed the same question gets the same answer."),
        -1,
        0,
        4_294_967_294,
        special=((-1, N_("random")),),
    ),
    _whole(
        "max_tokens",
        N_("Max tokens"),
        N_("The longest answer allowed. -1 means no limit."),
        -1,
        1,
        1_048_576,
        unit=N_("tokens"),
        special=((-1, N_("no limit")),),
        start=1024,
    ),
    Setting(
        "stop",
        Kind.TEXTS,
        Group.SAMPLING,
        N_("Stop strings"),
        N_("The answer ends where one of these appears. One a line."),
        (),
    ),
    Setting(
        "when_full",
        Kind.CHOICE,
        Group.SAMPLING,
        N_("When the context is full"),
        N_("The oldest messages can leave so that the chat goes on, or the answer stops. The opening always stays."),
        "oldest",
        choices=(Choice("oldest", N_("Oldest messages leave")), Choice("stop", N_("Stop instead"))),
    ),
    _speed(
        "read_ahead",
        N_("Read ahead"),
        N_("Reads what you are writing while you write, so that the answer starts sooner."),
    ),
    _speed(
        "read_ahead_on_battery",
        N_("Read ahead on battery"),
        N_("Also while the computer runs on its battery, which empties a little sooner."),
        False,
        needs="read_ahead",
    ),
    _speed(
        "warm",
        N_("Warm up"),
        N_("Brings a model into memory as soon as it is chosen, so that the first answer is as fast as the tenth."),
    ),
    _speed(
        "lookup",
        N_("Look up repeated words"),
        N_("Where an answer repeats your text, several words are written at once. The answer is the same."),
        scope=Scope.ANY,
    ),
    Setting(
        "state_budget",
        Kind.WHOLE,
        Group.SPEED,
        N_("Disk space for what was read"),
        N_(
            "What a model has read of a chat is kept on disk, so that it need not be read again. "
            "The oldest leaves first."
        ),
        4,
        1,
        1000,
        unit=N_("GB"),
        special=((0, N_("keep nothing")),),
        start=4,
        scope=Scope.GLOBAL,
    ),
    Setting(
        "language",
        Kind.CHOICE,
        Group.WINDOW,
        N_("Language"),
        N_("The language of the window. What a model writes is its own affair."),
        "system",
        choices=(
            Choice("system", N_("As the system")),
            Choice("en", "English"),
            Choice("ko", "한국어"),
            Choice("it", "Italiano"),
        ),
        scope=Scope.GLOBAL,
    ),
    Setting(
        "appearance",
        Kind.CHOICE,
        Group.WINDOW,
        N_("Light or dark"),
        N_("Light or dark, or as the system has it."),
        "system",
        choices=(
            Choice("system", N_("As the system")),
            Choice("light", N_("Light")),
            Choice("dark", N_("Dark")),
        ),
        scope=Scope.GLOBAL,
    ),
    Setting(
        "text_size",
        Kind.WHOLE,
        Group.WINDOW,
        N_("Text size"),
        N_("The size of all text in the window."),
        100,
        80,
        200,
        10,
        "%",
        scope=Scope.GLOBAL,
    ),
    Setting(
        "notify",
        Kind.SWITCH,
        Group.BACKGROUND,
        N_("Notifications"),
        N_("Tells you when a long answer or a download has ended while you are in another window."),
        True,
        scope=Scope.GLOBAL,
    ),
    Setting(
        "tray",
        Kind.SWITCH,
        Group.BACKGROUND,
        N_("Keep in the tray"),
        N_("Closing the window leaves Alcove running, ready at once, where the system has a tray. “Quit” ends it."),
        False,
        scope=Scope.GLOBAL,
    ),
    Setting(
        "offline",
        Kind.SWITCH,
        Group.PRIVACY,
        N_("Offline"),
        N_("Refuses every connection to other computers. Chatting needs none; finding and downloading models does."),
        False,
        scope=Scope.GLOBAL,
    ),
    Setting(
        "updates",
        Kind.SWITCH,
        Group.PRIVACY,
        N_("Tell me of new versions"),
        N_("Once a day, Alcove asks its own site whether there is a newer one. It never downloads it."),
        False,
        scope=Scope.GLOBAL,
    ),
)
BY_KEY: Mapping[str, Setting] = {row.key: row for row in TABLE}


def check(key: str, value: object) -> Value:
    """The value as its row's kind. Raises `SettingError` that says what is permitted."""
    row = BY_KEY.get(key)
    if row is None:
        raise SettingError(N_("There is no setting called “{key}”."), key=key)
    if row.kind is Kind.SWITCH and isinstance(value, bool):
        return value
    if row.kind is Kind.CHOICE and any(value == c.value for c in row.choices):
        return str(value)
    if row.kind is Kind.TEXTS and isinstance(value, list | tuple) and all(isinstance(v, str) and v for v in value):
        return tuple(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and _in_bounds(row, value):
        return int(value) if row.kind is Kind.WHOLE else float(value)
    raise SettingError(_rule(row), label=row.label, value=_shown(value), **_bounds(row))


def _in_bounds(row: Setting, value: float) -> bool:
    if row.kind is Kind.WHOLE and any(value == special for special, _ in row.special):
        return True
    fitting = row.kind is Kind.NUMBER or (row.kind is Kind.WHOLE and value % 1 == 0)  # not so for infinity and NaN
    return fitting and row.low <= value <= row.high


def _shown(value: object) -> str:
    """The value as a sentence can hold it; Python refuses to write very large whole numbers out."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return "…"
    return str(value)[:40]


def _rule(row: Setting) -> str:
    if row.kind in (Kind.WHOLE, Kind.NUMBER):
        if row.special:
            return N_("“{label}” takes {low} to {high}, or {special}; {value} is not among them.")
        return N_("“{label}” takes {low} to {high}; {value} is not among them.")
    return N_("“{label}” cannot be “{value}”.")


def _bounds(row: Setting) -> dict[str, object]:
    exact = int if row.kind is Kind.WHOLE else float
    special = ", ".join(str(s) for s, _ in row.special)
    return {"low": exact(row.low), "high": exact(row.high), "special": special}


def valid(values: Mapping[str, object]) -> dict[str, Value]:
    """Those of stored values that still pass `check`: another version may have had other bounds."""
    found: dict[str, Value] = {}
    for key, value in values.items():
        try:
            found[key] = check(key, value)
        except SettingError:
            continue
    return found


def resolve(*levels: Mapping[str, object]) -> dict[str, Value]:
    """All settings, the first level winning: `resolve(chat, model, global)`. Invalid stored values are passed over."""
    found: dict[str, Value] = {row.key: row.default for row in TABLE}
    for level in reversed(levels):
        found |= valid(level)
    return found

"""The everyday words by which the palette finds what it offers, where its name says it otherwise.

Invariant: each message is a list of words, with commas, of one thing; a translation has the words that people of that
language would type, not those of the English list. The names themselves are found anyway, in every language.
"""

from __future__ import annotations

from collections.abc import Mapping

from desktop.core.errors import N_
from desktop.ui.menus import Command

_C = Command
# Translators: of all these: what people would type who look for it, in your language; as many or few as you like
COMMANDS: Mapping[Command, str] = {
    _C.NEW_CHAT: N_("begin, start, conversation, ask"),
    _C.FIND_MODEL: N_("download, get, search, install, add a model, language model"),
    _C.IMPORT_MODEL: N_("open a file, add a model, load, gguf"),
    _C.UNLOAD_MODEL: N_("free memory, eject, close the model, ram"),
    _C.IMPORT_CHATS: N_("open a file, restore, read in"),
    _C.EXPORT_CHAT: N_("save as, share, print, markdown, file"),
    _C.EXPORT_ALL_CHATS: N_("save, backup, copy of everything, file"),
    _C.QUIT: N_("exit, end, leave, close the program"),
    _C.CLOSE: N_("hide, leave"),
    _C.FIND: N_("search, look for, history"),
    _C.CHAT_LIST: N_("sidebar, hide the list, history"),
    _C.NEXT_AREA: N_("pane, focus, jump"),
    _C.PREVIOUS_AREA: N_("pane, focus, jump"),
    _C.LARGER: N_("bigger text, font, zoom in, enlarge, letters"),
    _C.SMALLER: N_("smaller font, zoom out, reduce, letters"),
    _C.USUAL_SIZE: N_("normal font, reset zoom, letters"),
    _C.FULL_SCREEN: N_("fullscreen, maximise, large window"),
    _C.CHOOSE_MODEL: N_("switch model, change model, which model"),
    _C.EDIT_LAST: N_("correct, change the question, rewrite"),
    _C.REGENERATE: N_("again, retry, another answer, redo"),
    _C.CONTINUE: N_("go on, more, longer"),
    _C.COPY_REPLY: N_("clipboard, answer, copy the text"),
    _C.STOP: N_("cancel, halt, interrupt, abort"),
    _C.RENAME: N_("title, change the name"),
    _C.OPENING: N_("system prompt, instruction, role, template"),
    _C.CHAT_SETTINGS: N_("options, temperature, preferences of this chat"),
    _C.BIN: N_("delete, remove, trash, throw away, discard"),
    _C.HELP: N_("manual, guide, how to, questions"),
    _C.SHORTCUTS: N_("keys, hotkeys, keyboard"),
    _C.LICENCES: N_("rights, open source, who made the parts"),
    _C.ABOUT: N_("version, licence, who made it"),
}
PANES: Mapping[str, str] = {
    "chat": N_("conversation, talk, write"),
    "models": N_("library, storage, disk, delete a model, install, download"),
    "settings": N_("preferences, options, configuration"),
    "help": N_("manual, guide, how to, questions"),
}
DOWNLOADS = N_("progress, queue, pause")
SETTINGS: Mapping[str, str] = {
    "language": N_("Korean, Italian, English, translation"),
    "appearance": N_("theme, colours, night, dark mode, black, white"),
    "text_size": N_("font, bigger text, larger letters, zoom"),
    "temperature": N_("creativity, random, imagination"),
    "max_tokens": N_("length of the answer, limit"),
    "stop": N_("end of the answer"),
    "context": N_("memory of the chat, window, length"),
    "threads": N_("processor, cores, cpu"),
    "gpu_layers": N_("graphics card, vram, cuda, metal, vulkan"),
    "state_budget": N_("cache, disk space, storage"),
    "notify": N_("message from the system, alert, sound"),
    "tray": N_("background, icon, close the window"),
    "offline": N_("internet, network, connection, airplane"),
}
CHOICES: Mapping[str, str] = {
    "light": N_("day, light mode, bright, white"),
    "dark": N_("night, dark mode, black"),
    "en": N_("English"),
    "ko": N_("Korean"),
    "it": N_("Italian"),
}

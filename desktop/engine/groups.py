"""The control groups of Linux that this process is in: what a container allows stands in their files.

Invariant: every group from our own up to the root is named, in both versions, whether its folder is there or not.
Inside a container the folder of the group is often not there, and the root of the tree is the container's own. What
the files say is read by whoever asks. https://docs.kernel.org/admin-guide/cgroup-v2.html, and cgroup-v1/
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def own_groups(controller: str, groups: Path = _GROUPS, own: Path = _OWN) -> Iterator[tuple[Path, bool]]:
    """Folders, our own first, and whether each is of version 2. None elsewhere than on Linux."""
    if sys.platform != "linux":
        return
    try:
        rows = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return
    for row in rows:
        if len(row) == 3 and (not row[1] or controller in row[1].split(",")):
            root = groups / row[1]
            folder = root / row[2].strip("/")
            for group in (folder, *folder.parents):
                if group.is_relative_to(root):
                    yield group, not row[1]

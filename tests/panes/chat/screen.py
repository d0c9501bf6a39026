"""What a view would show, for tests that do without one, and the question that most of them ask."""

from dataclasses import replace


class Screen:
    """What a view would show: the transcript as the controller's signals make it."""

    def __init__(self, controller):
        self.rows, self.chat, self.draft, self.notice, self.undo, self.works = {}, None, None, None, None, []
        self.pieces = []
        controller.shown.connect(self._shown)
        controller.head_changed.connect(lambda chat: setattr(self, "chat", chat))
        controller.replies.message_added.connect(self._put)
        controller.replies.message_changed.connect(self._put)
        controller.replies.cut_from.connect(self._cut)
        controller.replies.written.connect(self._written)
        controller.replies.ended.connect(self._put)
        controller.draft_changed.connect(lambda text: setattr(self, "draft", text))
        controller.notice_changed.connect(lambda notice: setattr(self, "notice", notice))
        controller.removals.offered.connect(lambda what: setattr(self, "undo", what))
        controller.activity_changed.connect(lambda activity: self.works.append(activity.work))

    def _shown(self, chat, views):
        self.chat, self.rows = chat, {view.id: view for view in views}

    def _put(self, view):
        self.rows[view.id] = view

    def _cut(self, message_id):
        ids = list(self.rows)
        for gone in ids[ids.index(message_id) :]:
            del self.rows[gone]

    def _written(self, message_id, text):
        self.pieces.append(text)
        view = self.rows[message_id]
        self.rows[message_id] = replace(view, message=replace(view.message, text=view.message.text + text))

    @property
    def texts(self):
        return [view.message.text for view in self.rows.values()]

    @property
    def last(self):
        return list(self.rows.values())[-1]


def ask(pane, text):
    assert pane.controller.send(text)
    pane.idle()

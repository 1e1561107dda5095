"""What operators of every deployment share: the words of a run of Airflow's backfill are others."""

from typing import Any

_BACKFILL = "backfill"


class ByRun:
    """Takes the backfill words before templates are rendered, where Airflow's own backfill runs the task.

    An operator says in `take_words` where its words go.
    """

    backfill_words: tuple[str, ...] = ()

    def take_words(self, words: list[str]) -> None:
        """Put the words in their place."""
        raise NotImplementedError

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Choose, then render."""
        if self.backfill_words and str(getattr(context["dag_run"].run_type, "value", "")) == _BACKFILL:
            self.take_words(list(self.backfill_words))
        super().render_template_fields(context, jinja_env)  # type: ignore[misc]

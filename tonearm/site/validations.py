"""A validation as Great Expectations' own renderer shows it, without what its pages load from elsewhere."""

import os
from typing import Any

from markupsafe import Markup

# Before it is imported: it would tell its makers.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


def rendered(validation: dict[str, Any]) -> Markup:
    """One section for each column, and one for the table as a whole."""
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaSectionView

    page = ValidationResultsPageRenderer().render(ExpectationSuiteValidationResultSchema().load(validation))
    view: Any = DefaultJinjaSectionView()
    # the first section is about the run and links into a site of theirs
    shown = [
        view.render({"section": section.to_json_dict(), "section_loop": {"index": number}})
        for number, section in enumerate(page.sections[1:], start=1)
    ]
    return Markup("".join(shown))  # noqa: S704 - made of the declaration and of counts

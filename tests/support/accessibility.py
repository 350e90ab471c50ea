"""What axe-core finds wrong in an open page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_IMPACTS = ("moderate", "serious", "critical")
_SCHEMES = ("light", "dark")


def barriers(page: Page) -> list[str]:
    """Everything of moderate impact or worse that is visible, all folds open; dark is checked for contrasts only."""
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    found = []
    for scheme in _SCHEMES:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        only = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
        results = Axe().run(page, options={"resultTypes": ["violations"], **only})
        found += [
            f"{scheme}: {rule['id']}: {node['html'][:200]}"
            for rule in results.response["violations"]
            if rule["impact"] in _IMPACTS
            for node in rule["nodes"]
        ]
    page.emulate_media(color_scheme="light")
    return found

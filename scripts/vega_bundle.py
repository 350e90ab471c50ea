"""Make the page's copy of Vega-Lite anew, with the converter that is installed.

python -m scripts.vega_bundle
"""

from pathlib import Path

import vl_convert

TARGET = Path(__file__).parents[1] / "benchmark/reporting/html_page/assets/vendor/vega-embed.js"


def main() -> None:
    """Write it, and tell what it holds: `LICENCES.txt` beside it names the versions, too."""
    TARGET.write_text(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"), encoding="utf-8")
    versions = f"Vega {vl_convert.get_vega_version()}, Vega-Lite {vl_convert.get_vegalite_versions()[-1]}"
    print(f"{TARGET}: {versions}, Vega-Embed {vl_convert.get_vega_embed_version()}")


if __name__ == "__main__":
    main()

"""Which of OpenVINO's implementations computes the matrix products of a converted model."""

from pathlib import Path
from xml.etree import ElementTree

_PREFERRED = "cpu:brgemm_avx512,cpu:brgemm_avx2"
"""In OpenVINO's own names, best first; a processor that has none of them takes what it would have taken."""


def prefer_one_order_of_weights(path: Path) -> int:
    """Have the products of a model computed by an implementation that keeps its weights in one order for most lengths.

    For the widest layers OpenVINO 2026.4 takes a convolution in float32, which wants another order of the weights below
    some 210 frames than above: each stream then reads 113 MB of a model of base size again, while the other computes.
    Once, in some 600 lengths, a stream answered all clips of one length wrongly, next to that border. It was not seen
    again, nor was it proved to come from there. The preferred implementation is as fast, and has no such border.

    Args:
        path: The model's `.xml`; changed in place.

    Returns:
        How many products it has.
    """
    tree = ElementTree.parse(path)  # noqa: S314 - written a moment ago, by the same process
    products = tree.findall("./layers/layer[@type='MatMul']")
    for product in products:
        notes = product.find("rt_info")
        if notes is None:
            notes = ElementTree.Element("rt_info")
            product.insert(0, notes)
        wanted = {"name": "primitives_priority", "version": "0", "value": _PREFERRED}
        notes.append(ElementTree.Element("attribute", wanted))
    tree.write(path, encoding="utf-8", xml_declaration=True)
    return len(products)

"""Changes in place to a converted model's graph (`openvino.Model`, or its `.xml`): correct results, or faster ones."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from benchmark.models.backends.openvino_backend import openvino

_AXES_OF_SERIES = 3
"""Axes of the input of a convolution along time: clip, channels, time."""
_PREFERRED = "cpu:brgemm_avx512,cpu:brgemm_avx2"
"""In OpenVINO's own names, best first; a processor that has none of them takes its default."""


def make_division_exact(model: Any) -> None:
    """Subtract the remainder before each division of integers, so that the result is rounded down, as in torch.

    HuBERT counts the frames of a clip by a division for each of its convolutions. In a chain of them OpenVINO rounds to
    the nearest number, and not down (2026.4.1): at 2 of 320 lengths it came to one frame too many, so that the mask hid
    all frames but the first. Where nothing is left over, nothing is rounded. Fractions would be exact in float32 only.
    """
    library = openvino()
    operations = library.opset13
    for node in model.get_ordered_ops():
        of_integers = node.get_output_element_type(0) in (library.Type.i32, library.Type.i64)
        # Without the attribute the result is cut off towards zero.
        if not of_integers or node.get_type_name() != "Divide" or not node.get_attributes()["m_pythondiv"]:
            continue
        dividend, divisor = node.input_values()
        multiple = operations.subtract(dividend, operations.floor_mod(dividend, divisor))
        node.input(0).replace_source_output(multiple.output(0))


def make_padding_explicit(model: Any) -> None:
    """Join zeros to the input of convolutions along time, in place of padding.

    For a convolution that pads, OpenVINO compiles code of its own for each position of the kernel that hangs over an
    end. The positional convolution of wav2vec2 and its kin has a kernel of 128 with 64 zeros at either end: 200 of the
    235 functions that each new length took (2026.4.1, bfloat16), a tenth of the time of such a clip. The zeros are
    concatenated, since a padding operation would be fused into the convolution again.
    """
    operations = openvino().opset13
    build = {"Convolution": operations.convolution, "GroupConvolution": operations.group_convolution}
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in build or node.get_output_partial_shape(0).rank.get_length() != _AXES_OF_SERIES:
            continue
        settings = node.get_attributes()
        before, after = settings["pads_begin"][0], settings["pads_end"][0]
        channels = node.get_input_partial_shape(0)[1]
        if settings["auto_pad"] != "explicit" or before + after == 0 or channels.is_dynamic:
            continue
        samples, kernel = node.input_values()
        ends = [np.zeros((1, channels.get_length(), count), dtype=np.float32) for count in (before, after)]
        padded = operations.concat([operations.constant(ends[0]), samples, operations.constant(ends[1])], 2)
        same = build[kind](padded, kernel, settings["strides"], [0], [0], settings["dilations"])
        same.set_friendly_name(node.get_friendly_name())
        node.output(0).replace(same.output(0))


def prefer_one_order_of_weights(path: Path) -> None:
    """Have matrix products computed by an implementation that keeps its weights in one order for most lengths.

    For the widest layers OpenVINO 2026.4 takes a convolution in float32, which needs another order of the weights below
    some 210 frames than above: each stream then reads 113 MB of a model of base size again, while the other computes.
    Once, in some 600 lengths, a stream answered all clips of a length next to that border wrongly; whether that came
    from there was not proved. The preferred implementation is as fast, and has no such border.
    """
    tree = ElementTree.parse(path)  # noqa: S314 - written a moment ago, by the same process
    for product in tree.findall("./layers/layer[@type='MatMul']"):
        notes = product.find("rt_info")
        if notes is None:
            notes = ElementTree.Element("rt_info")
            product.insert(0, notes)
        preference = {"name": "primitives_priority", "version": "0", "value": _PREFERRED}
        notes.append(ElementTree.Element("attribute", preference))
    tree.write(path, encoding="utf-8", xml_declaration=True)

"""Padding as a step of its own in a converted model, so that each new length of a clip costs less to prepare for."""

from typing import Any

import numpy as np

from benchmark.models.backends.openvino_library import openvino

_ALONG_TIME = 3
"""Axes of what a convolution along time reads: clip, channels, time."""


def make_padding_explicit(model: Any) -> int:
    """Let convolutions along time read zeros that are there, instead of padding what they read.

    For a convolution that pads, OpenVINO compiles code of its own for each place of the kernel that hangs over an end.
    The positions of wav2vec2 and its kin are told by a kernel of 128 with 64 zeros at either end: that were 200 of the
    235 functions that each new length took (2026.4.1, bfloat16), a tenth of the time of a clip of a new length. The
    zeros are joined to the input, since a padding operation would be made part of the convolution again.

    Args:
        model: An `openvino.Model`; changed in place.

    Returns:
        How many convolutions were changed.
    """
    operations = openvino().opset13
    build = {"Convolution": operations.convolution, "GroupConvolution": operations.group_convolution}
    changed = 0
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind not in build or node.get_output_partial_shape(0).rank.get_length() != _ALONG_TIME:
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
        changed += 1
    return changed

# The face detector: one of OpenCV's trained cascades of local binary patterns (Viola-Jones), evaluated with numpy.
import xml.etree.ElementTree as ElementTree

import numpy
from PIL import Image

SCALE_STEP = 1.1
WINDOW_STEP = 2
# The eight cells around a cell, clockwise from the top left: the bits of a pattern, most significant first.
RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]


class Cascade:
    """Stages of weak classifiers: a window that fails one stage is not looked at by the next."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot().find("cascade")
        self.side = int(root.findtext("width"))
        self.cells = [[int(n) for n in node.findtext("rect").split()] for node in root.find("features")]
        self.stages = [
            (float(stage.findtext("stageThreshold")), [_weak(weak) for weak in stage.find("weakClassifiers")])
            for stage in root.find("stages")
        ]

    def faces(self, image, neighbours_min):
        """The faces in a picture as [x, y, side]; a face answers in many neighbouring windows, chance in one or two."""
        grey = image.convert("L")
        windows, scale = [], 1.0
        while min(grey.size) / scale >= self.side:
            size = (round(grey.width / scale), round(grey.height / scale))
            level = numpy.asarray(grey.resize(size, Image.Resampling.BILINEAR), dtype=numpy.int32)
            windows += [(x * scale, y * scale, self.side * scale) for x, y in self._hits(level)]
            scale *= SCALE_STEP
        groups = [group for group in _groups(windows) if len(group) >= neighbours_min]
        return sorted([round(float(n)) for n in numpy.mean(group, axis=0)] for group in groups)

    def _hits(self, level):
        """The upper left corners of the windows of one picture size that pass all stages."""
        sums = numpy.pad(level.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        width = sums.shape[1]
        rows = numpy.arange(0, level.shape[0] - self.side + 1, WINDOW_STEP)
        columns = numpy.arange(0, level.shape[1] - self.side + 1, WINDOW_STEP)
        windows = (rows[:, None] * width + columns).ravel()
        flat = sums.ravel()
        for threshold, weaks in self.stages:
            votes = numpy.zeros(len(windows))
            for cell, members, inside, outside in weaks:
                votes += numpy.where(members[_patterns(flat, width, windows, self.cells[cell])], inside, outside)
            windows = windows[votes >= threshold]
            if not len(windows):
                break
        return [(int(window % width), int(window // width)) for window in windows]


def _patterns(sums, line, windows, cell):
    """For each window, which of the eight cells around the middle one are at least as bright as it is."""
    x, y, width, height = cell
    corners = [
        [sums.take(windows + ((y + row * height) * line + x + column * width)) for column in range(4)]
        for row in range(4)
    ]

    def brightness(row, column):
        upper, lower = corners[row], corners[row + 1]
        return upper[column] - upper[column + 1] - lower[column] + lower[column + 1]

    middle = brightness(1, 1)
    pattern = numpy.zeros(len(windows), dtype=numpy.uint8)
    for row, column in RING:
        pattern = pattern * 2 + (brightness(row, column) >= middle)
    return pattern


def _weak(node):
    """One weak classifier: its cell, the set of patterns it accepts, and its votes for inside and outside of it."""
    numbers = [int(n) for n in node.findtext("internalNodes").split()]
    words = numpy.array(numbers[3:], dtype=numpy.int64).astype(numpy.uint32)
    members = ((words[:, None] >> numpy.arange(32, dtype=numpy.uint32)) & 1).astype(bool).ravel()
    inside, outside = (float(n) for n in node.findtext("leafValues").split())
    return numbers[2], members, inside, outside


def _groups(windows):
    """Windows gathered into faces: the centre of each lies in the middle half of the first one of its group."""
    groups = []
    for x, y, side in sorted(windows, key=lambda window: -window[2]):
        centre_x, centre_y = x + side / 2, y + side / 2
        for group in groups:
            first_x, first_y, first_side = group[0]
            reach = first_side / 4
            if abs(centre_x - first_x - 2 * reach) < reach and abs(centre_y - first_y - 2 * reach) < reach:
                group.append((x, y, side))
                break
        else:
            groups.append([(x, y, side)])
    return groups

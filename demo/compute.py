# What the workers compute, from the bytes of the files: each function is deterministic.
import dataclasses
import functools
import hashlib
import io
import os
import pathlib
import wave

import numpy
from PIL import Image

from cascade import Cascade

FACE_MODEL = pathlib.Path(__file__).parent / "media/models/faces.xml"
# The middle three quarters of each side: most of a clip's picture, without its borders.
BORDER_SHARE = 1 / 8
BURST_FRAME_SECONDS = 0.01
# A frame belongs to a burst when its energy is above this share of the loudest frame's.
BURST_ENERGY_SHARE = 0.05
# Vowels cross zero rarely, hisses (s, sh, f) in a quarter of the samples or more.
HISS_CROSSINGS_SHARE = 0.25


def loudest(recording, seconds):
    """The loudest part of a recording that has this length, as a WAV file."""
    rate, samples = _samples(recording)
    length = min(len(samples), int(seconds * rate))
    energy = numpy.concatenate([[0], numpy.cumsum(samples.astype(numpy.int64) ** 2)])
    start = int(numpy.argmax(energy[length:] - energy[: len(energy) - length]))
    output = io.BytesIO()
    with wave.open(output, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples[start : start + length].astype("<i2").tobytes())
    return output.getvalue()


def middle(photograph):
    """The middle of a photograph, as a PNG file."""
    image = Image.open(io.BytesIO(photograph)).convert("RGB")
    across, down = round(image.width * BORDER_SHARE), round(image.height * BORDER_SHARE)
    output = io.BytesIO()
    image.crop((across, down, image.width - across, image.height - down)).save(output, "PNG")
    return output.getvalue()


def faces(photograph, neighbours_min):
    """The faces seen from the front, each as [x, y, side] in pixels."""
    return _cascade().faces(Image.open(io.BytesIO(photograph)), neighbours_min)


def bursts(recording):
    """The bursts of sound, about a syllable each, in their order: `v` for voiced, `s` for hissed.

    Not words: the modest beginning of speech recognition that needs no trained model.
    """
    rate, samples = _samples(recording)
    length = int(rate * BURST_FRAME_SECONDS)
    frames = samples[: len(samples) // length * length].reshape(-1, length).astype(numpy.int64)
    energy = (frames**2).mean(axis=1)
    loud = energy > BURST_ENERGY_SHARE * energy.max()
    hissed = ((frames[:, 1:] < 0) != (frames[:, :-1] < 0)).mean(axis=1) >= HISS_CROSSINGS_SHARE
    sounds = ["." if not is_loud else "s" if is_hissed else "v" for is_loud, is_hissed in zip(loud, hissed)]
    changes = [sound for sound, before in zip(sounds, ["."] + sounds) if sound != before]
    return "".join(changes).replace(".", " ").strip()


@dataclasses.dataclass
class Recipe:
    """How one field is computed."""

    # The upstream's column that names the input file, and the column that takes the output.
    input: str
    output: str
    # The ending of the output's file; empty where the output itself is stored in its column.
    suffix: str
    # By code version.
    functions: dict


RECIPES = {
    "crop": {
        "audio": Recipe(
            "audio_file", "crop_audio_file", ".wav",
            {"1": lambda data: loudest(data, 0.5), "2": lambda data: loudest(data, 1.0)},
        ),
        "frames": Recipe("frames_file", "crop_frames_file", ".png", {"1": middle}),
    },
    "face_detection": {
        "faces": Recipe(
            "crop_frames_file", "faces", "",
            {"1": lambda data: faces(data, 3), "2": lambda data: faces(data, 5)},
        ),
    },
    "speech_to_text": {
        "transcription": Recipe("crop_audio_file", "bursts", "", {"1": bursts}),
    },
}


class Objects:
    """Files named after the hash of their bytes, so that whoever writes late can overwrite nothing newer."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(exist_ok=True)

    def put(self, data, suffix):
        """Stores bytes; answers the file's path and the data version."""
        version = data_version(data)
        path = self.directory / (version + suffix)
        if not path.exists():
            unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
            unfinished.write_bytes(data)
            unfinished.rename(path)
        return path, version


def data_version(data):
    """The hash of bytes: sha256, cut to 128 bits."""
    return hashlib.sha256(data).hexdigest()[:32]


def _samples(recording):
    with wave.open(io.BytesIO(recording)) as file:
        return file.getframerate(), numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


@functools.cache
def _cascade():
    return Cascade(FACE_MODEL)

# The input files: each clip is a photograph and a recording of speech, copied so that the demo can change them.
import pathlib
import shutil

from compute import data_version

MEDIA = pathlib.Path(__file__).parent / "media"


class Clips:
    """The clips in a directory: files that a producer writes and changes, and the server never sees."""

    def __init__(self, directory):
        self.directory = directory
        for part in ["photos", "speech"]:
            shutil.copytree(MEDIA / part, directory / part)
        self.names = sorted(path.stem for path in (directory / "photos").iterdir())

    def photograph(self, name):
        return next((self.directory / "photos").glob(f"{name}.*"))

    def recording(self, name):
        return self.directory / "speech" / f"{name}.wav"

    def row(self, name):
        """The record of a clip: its files, and the hashes of their bytes as the versions of its fields."""
        audio, frames = self.recording(name), self.photograph(name)
        return {
            "video_id": name,
            "audio_file": str(audio),
            "frames_file": str(frames),
            "metaxy_provenance_by_field": {
                "audio": data_version(audio.read_bytes()),
                "frames": data_version(frames.read_bytes()),
            },
        }

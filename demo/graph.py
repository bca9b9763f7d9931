# The features of the demo and how their fields depend on each other.
PROJECT = "demo"
ROOT = "video"
DERIVED = ["crop", "face_detection", "speech_to_text"]
# Every field that is computed, in the order in which the tables show it.
FIELDS = [
    ("crop", "audio"),
    ("crop", "frames"),
    ("face_detection", "faces"),
    ("speech_to_text", "transcription"),
]


def push_body(code_versions, message):
    """The body of a push of the whole graph; fields that `code_versions` does not name have code version 1."""

    def field(feature, key, *deps):
        version = code_versions.get((feature, key), "1")
        return {"key": key, "code_version": version, "deps": [{"feature": f, "fields": [k]} for f, k in deps]}

    def feature(key, fields, upstream=()):
        spec = {"key": key, "id_columns": ["video_id"], "fields": fields}
        return {"spec": {**spec, "deps": [{"feature": other} for other in upstream]}}

    features = [
        feature("video", [field("video", "audio"), field("video", "frames")]),
        feature(
            "crop",
            [field("crop", "audio", ("video", "audio")), field("crop", "frames", ("video", "frames"))],
            upstream=["video"],
        ),
        feature("face_detection", [field("face_detection", "faces", ("crop", "frames"))], upstream=["crop"]),
        feature("speech_to_text", [field("speech_to_text", "transcription", ("crop", "audio"))], upstream=["crop"]),
    ]
    return {"project": PROJECT, "features": features, "message": message}

# The parts of the demo, in the order in which they are shown.
import signal
import time
import zlib

from PIL import Image, ImageOps

from client import Client
from clips import Clips
from compute import data_version
from graph import DERIVED, FIELDS, ROOT, push_body
from processes import WorkerProcess, wait_for
from report import Report

WORKERS = 3
# Long enough that a busy machine does not lose one; the worker that is to be killed has a short one.
LEASE_SECONDS = 10
SHORT_LEASE_SECONDS = 2
HANG_AFTER_RECORDS = 3
SETTLE_SECONDS = 60


class Demo:
    def __init__(self, server, directory):
        self.url = server.url
        self.directory = directory
        self.client = Client(server.url)
        self.clips = Clips(directory / "clips")
        self.report = Report()
        self.code_versions = {}
        self.workers = []
        self.worker_count = 0

    # What the parts are made of.

    def push(self, message, changes=()):
        """Pushes the graph with other code versions; answers the fields that changed."""
        self.code_versions.update(changes)
        answer = self.client.post("/v1/push", push_body(self.code_versions, message))
        return {
            f"{feature['key']}.{field}"
            for feature in answer["features"]
            for field, state in feature["fields"].items()
            if state["changed"]
        }

    def write(self, names):
        """Sends the records of clips; answers how many the server found new and changed."""
        answer = self.client.post_rows(f"/v1/records/{ROOT}", [self.clips.row(name) for name in names])
        return answer["new"], answer["changed"]

    def resolve(self, **options):
        """What the server says is to be done, by feature."""
        return {feature: self.client.post(f"/v1/resolve/{feature}", options) for feature in DERIVED}

    def is_up_to_date(self):
        counts = [answer["counts"] for answer in self.resolve(counts_only=True).values()]
        return all(count["up_to_date"] == sum(count.values()) for count in counts)

    def start_worker(self, lease=LEASE_SECONDS, **options):
        self.worker_count += 1
        worker = WorkerProcess(f"worker-{self.worker_count}", self.url, self.directory, lease, **options)
        self.workers.append(worker)
        return worker

    def settle(self, workers):
        """Waits until all workers have asked for work and none is left to do, and ends them."""

        def is_settled():
            for worker in workers:
                worker.check()
            has_asked = all(worker.events("claimed") or worker.events("idle") for worker in workers)
            return has_asked and self.is_up_to_date()

        wait_for("the work", SETTLE_SECONDS, is_settled)
        for worker in workers:
            worker.stop()

    def compute(self, part, causes, expected):
        """Lets workers do all there is to do, and shows what that was."""
        self.report.increment(part, self.resolve(), causes)
        workers = [self.start_worker() for _ in range(WORKERS)]
        self.settle(workers)
        self.show(part, workers, expected)

    def show(self, part, workers, expected):
        computed = [event for worker in workers for event in worker.events("computed")]
        self.report.recomputed(part, computed, self.clips.names, expected)
        total = len(self.clips.names)
        for feature, answer in self.resolve(counts_only=True).items():
            self.report.expect(f"{part}: {feature} up to date at the end", answer["counts"]["up_to_date"], total)

    def version(self, feature, name, field):
        """The current data version of a field of a record."""
        page = self.client.get(f"/v1/records/{feature}", filter=f"video_id = '{name}'")
        return page["records"][0]["metaxy_data_version_by_field"][field]

    # The parts.

    def first_run(self):
        report, total = self.report, len(self.clips.names)
        report.title(f"1  The first run: {total} clips, everything is computed")
        self.push("the first definitions")
        report.expect("1: clips new and changed", self.write(self.clips.names), (total, 0))
        self.compute("1", {"crop": "audio: missing, frames: missing"}, {field: total for field in FIELDS})
        self.describe("astronaut")

    def describe(self, name):
        """Shows that something real was computed."""
        where = {"filter": f"video_id = '{name}'"}
        found = {feature: self.client.get(f"/v1/records/{feature}", **where)["records"][0] for feature in DERIVED}
        faces, bursts = found["face_detection"]["faces"], found["speech_to_text"]["bursts"]
        self.report.line(f"{name}: face at {faces}, bursts of sound in the loudest half second: {bursts}")
        self.report.expect(f"1: faces of {name}", len(faces), 1)

    def new_code(self):
        report, total = self.report, len(self.clips.names)
        report.title("2  New code for crop.audio (the loudest second instead of half a second)")
        changed = self.push("cut a second of sound", {("crop", "audio"): "2"})
        report.expect("2: fields changed", changed, {"crop.audio", "speech_to_text.transcription"})
        frames = {name: self.version("crop", name, "frames") for name in self.clips.names}
        expected = {("crop", "audio"): total, ("speech_to_text", "transcription"): total}
        self.compute("2", {"crop": "audio: code"}, expected)
        kept = sum(self.version("crop", name, "frames") == version for name, version in frames.items())
        report.expect("2: crop records that keep their frames", kept, total)
        report.line(f"face_detection recomputed nothing: {kept} of {total} crop records kept their frames' version.")

    def old_code(self):
        self.report.title("3  The new code is taken back: the earlier results are current again")
        self.push("back to half a second", {("crop", "audio"): "1"})
        self.compute("3", {}, {})

    def changed_file(self):
        self.report.title("4  One photograph is mirrored: its own records only")
        photograph = self.clips.photograph("astronaut")
        ImageOps.mirror(Image.open(photograph)).save(photograph)
        self.report.expect("4: clips new and changed", self.write(self.clips.names), (0, 1))
        self.compute("4", {"crop": "frames: upstream"}, {("crop", "frames"): 1, ("face_detection", "faces"): 1})

    def same_pixels(self):
        report = self.report
        report.title("5  One photograph gets a caption in its file: other bytes, the same pixels")
        photograph = self.clips.photograph("chelsea")
        photograph.write_bytes(with_caption(photograph.read_bytes(), b"Chelsea, the cat"))
        report.expect("5: clips new and changed", self.write(self.clips.names), (0, 1))
        before = self.version("crop", "chelsea", "frames")
        self.compute("5", {"crop": "frames: upstream"}, {("crop", "frames"): 1})
        report.expect("5: version of the cropped picture", self.version("crop", "chelsea", "frames"), before)
        report.line("The cropped picture has the version it had, the hash of its bytes: face_detection is not asked.")

    def killed_worker(self):
        report, total = self.report, len(self.clips.names)
        report.title("6  New code for face_detection; a worker is killed in the middle of its batch")
        self.push("ask more windows", {("face_detection", "faces"): "2"})
        report.increment("6", self.resolve(), {"face_detection": "faces: code"})
        victim = self.start_worker(lease=SHORT_LEASE_SECONDS, hang_after=HANG_AFTER_RECORDS)
        hung = wait_for("the worker's batch", SETTLE_SECONDS, lambda: victim.check() or victim.events("hung"))[0]
        others = [self.start_worker() for _ in range(WORKERS - 1)]
        victim.stop(signal.SIGKILL)
        killed = time.monotonic()
        report.line(f"{victim.name} held {len(hung['ids'])} records, had computed {HANG_AFTER_RECORDS}, and was killed "
                    f"(kill -9 {victim.process.pid}).")
        self.settle(others)
        self.show_rescue(set(hung["ids"]), killed, others)
        self.show("6", others, {("face_detection", "faces"): total})

    def show_rescue(self, batch, killed, workers):
        """Who took over the batch of the worker that was killed, and when."""
        claims = [(event, worker.name) for worker in workers for event in worker.events("claimed")]
        rescues = [(event, name) for event, name in claims if batch & set(event["ids"])]
        for event, name in sorted(rescues, key=lambda rescue: rescue[0]["at"]):
            self.report.line(f"{name} got {len(batch & set(event['ids']))} of them {event['at'] - killed:.1f} s after "
                             f"that, when the lease of {SHORT_LEASE_SECONDS} s had run out.")
        self.report.line()
        completed = [name for worker in workers for event in worker.events("completing") for name in event["ids"]]
        self.report.expect("6: records completed, each once", sorted(completed), self.clips.names)

    def lineage(self):
        self.report.title(f"7  The lineage of one record, back to the files (in {self.directory})")
        for feature in ["face_detection", "speech_to_text"]:
            self.trace(feature, "astronaut")

    def trace(self, feature, name):
        report = self.report
        trace = self.client.post(f"/v1/lineage/{feature}", {"id": {"video_id": name}, "direction": "up"})
        nodes = {node["entry"]: node for node in trace["nodes"]}
        node = next(node for node in trace["nodes"] if node["feature"] == feature)
        fields, path = list(node["data_version_by_field"]), []
        indent = ""
        while node:
            path.append(node["feature"])
            written = f"written {node['written_at']}" + (f" by {node['worker']}" if node["worker"] else "")
            report.line(f"{indent}{node['feature']} [{name}]  {written}")
            for field in fields:
                version = node["data_version_by_field"][field]
                report.line(f"{indent}    {field} {version}{self.file_of(node['feature'], name, field, version)}")
            edge = next((edge for edge in trace["edges"] if edge["to"] == node["entry"]), None)
            node = edge and nodes[edge["from"]]
            fields = sorted({below for field in fields for below in edge["fields"][field]}) if edge else []
            indent += "  "
        report.expect(f"7: the lineage of {feature}", path, [feature, "crop", ROOT])
        report.line()

    def file_of(self, feature, name, field, version):
        """The file that a data version is the hash of, checked."""
        if feature == ROOT:
            path = self.clips.recording(name) if field == "audio" else self.clips.photograph(name)
        elif feature == "crop":
            path = next((self.directory / "objects").glob(f"{version}.*"), None)
        else:
            return ""
        found = path and data_version(path.read_bytes())
        self.report.expect(f"7: the hash of the file of {feature}.{field}", found, version)
        return f" = hash of {path.relative_to(self.directory)}"

    def run(self):
        for part in [self.first_run, self.new_code, self.old_code, self.changed_file, self.same_pixels,
                     self.killed_worker, self.lineage]:
            part()
        return self.report

    def stop(self):
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.stop(signal.SIGKILL)


def with_caption(png, text):
    """A PNG file with a caption after its signature, which has 8 bytes, and its header chunk, which has 25."""
    content = b"Title\0" + text
    checksum = zlib.crc32(b"tEXt" + content).to_bytes(4, "big")
    chunk = len(content).to_bytes(4, "big") + b"tEXt" + content + checksum
    return png[:33] + chunk + png[33:]

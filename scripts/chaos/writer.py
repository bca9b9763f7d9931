# The writer of the chaos: records of the root that appear, change and go back, and new code in between.
from actor import Actor, arguments
from graph import first_codes, graph

BUCKETS = 40
RECORDS = 2_000
ROWS = 60
# Few, so that records come back to what they were.
VERSIONS = 4
CODES = 3
PUSH_EVERY = 15
PAUSE_SECONDS = 0.6


class Writer(Actor):
    def live(self):
        """Writes until it is killed."""
        codes = first_codes()
        while True:
            self.pause(PAUSE_SECONDS)
            if self.random.randrange(PUSH_EVERY) == 0:
                codes[self.random.choice(list(codes))] = str(self.random.randint(1, CODES))
                self.ask("/v1/push", graph(codes), {200, 201})
            else:
                self.write()

    def write(self):
        chosen = self.random.sample(range(RECORDS), self.random.randint(1, ROWS))
        ids = [[f"b{number % BUCKETS}", number] for number in chosen]
        stamps = [f"{self.name}/{self.requests + 1}/{number}" for number in chosen]
        rows = [{"bucket": bucket, "n": number, "stamp": stamp, "metaxy_provenance_by_field": {
            "a": f"a{self.random.randrange(VERSIONS)}", "b": f"b{self.random.randrange(VERSIONS)}"}}
            for (bucket, number), stamp in zip(ids, stamps)]
        self.report("write", "/v1/records/root", {"records": rows}, {200},
                    results=[[unit, stamp] for unit, stamp in zip(ids, stamps)])


if __name__ == "__main__":
    Writer(*arguments()).live()

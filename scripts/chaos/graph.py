# The features of the chaos: each kind of lineage, and work that waits for other work.

IDS = ["bucket", "n"]
# What is computed: id columns of a unit, and the columns in which a handed-out row has the stamps of its parents.
UNITS = {
    "leaf": (IDS, ["root_stamp"]),
    "deep": (IDS, ["leaf_stamp", "root_stamp"]),
    "group": (["bucket"], ["root_stamp"]),
    "parts": (IDS, ["leaf_stamp"]),
}
FIELDS = {"leaf": ["x", "y"], "deep": ["z"], "group": ["sum"], "parts": ["part"]}
EXPANSION = "parts"


def dep(feature, relationship=None, on=None):
    """Every version carries a stamp of its own; a row that is handed out has those of its parents."""
    found = {"feature": feature, "rename": {"stamp": f"{feature}_stamp"}}
    if relationship:
        found["lineage"] = {"relationship": {"type": relationship, "on": on}}
    return found


def graph(codes):
    """The graph with these code versions, by feature and field."""
    def fields(feature, **parents):
        return [{"key": field, "code_version": codes[feature, field],
                 "deps": [{"feature": upstream, "fields": names} for upstream, names in parents[field]]}
                for field in FIELDS[feature]]

    specs = [
        {"key": "root", "id_columns": IDS,
         "fields": [{"key": "a", "code_version": "1"}, {"key": "b", "code_version": "1"}]},
        {"key": "leaf", "id_columns": IDS, "deps": [dep("root")],
         "fields": fields("leaf", x=[("root", ["a"])], y=[("root", ["b"])])},
        {"key": "deep", "id_columns": IDS, "deps": [dep("leaf"), dep("root")],
         "fields": fields("deep", z=[("leaf", ["x"]), ("root", ["b"])])},
        {"key": "group", "id_columns": ["bucket"], "deps": [dep("root", "N:1", ["bucket"])],
         "fields": fields("group", sum=[("root", ["a"])])},
        {"key": "parts", "id_columns": [*IDS, "part"], "deps": [dep("leaf", "1:N", IDS)],
         "fields": fields("parts", part=[("leaf", ["y"])])},
    ]
    return {"project": "chaos", "features": [{"spec": spec} for spec in specs]}


def first_codes():
    return {(feature, field): "1" for feature, fields in FIELDS.items() for field in fields}


def unit_id(feature, row):
    return [row[column] for column in UNITS[feature][0]]


def parent_stamps(feature, row):
    """The stamps of all versions that a unit was handed out with."""
    stamps = []
    for column in UNITS[feature][1]:
        stamps += row[column] if isinstance(row[column], list) else [row[column]]
    return sorted(stamps)

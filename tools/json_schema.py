"""Write the JSON Schema of experiment files into the package: `python -m tools.json_schema`."""

from harness.experiment.json_schema import FILE, as_text

if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8", newline="\n")

"""Draw every figure, and write those that changed."""

from docs.figures import files
from gen.verilog import write

if __name__ == "__main__":
    drawn = files.files()
    print(f"{'wrote' if write(drawn, files.FOLDER) else 'unchanged:'} {', '.join(drawn)}")

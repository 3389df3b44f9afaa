"""Options that several commands share, with one meaning each."""

from pathlib import Path
from typing import Annotated

import typer

Build = Annotated[Path, typer.Option(help="Folder of reports, runs and their checkpoints.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with the data set's original files.")]
Seed = Annotated[int, typer.Option(help="Seed of random streams and sample order; 0 for the configuration's.")]
Samples = Annotated[int, typer.Option(help="Training samples, the first ones; 0 for all.")]
Epochs = Annotated[int, typer.Option(help="Passes over them; 0 for the configuration's.")]
Quick = Annotated[bool, typer.Option("--quick", help="Compile quickly instead of for speed: for short runs.")]

#: Where everything goes that is made.
BUILD = Path("build")

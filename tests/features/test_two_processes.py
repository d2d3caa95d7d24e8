import os
import subprocess
import sys

import pytest
from accelerate import Accelerator
from datasets import Dataset

from hf_dynsel.features import Pixels, extract

PROGRAM = """
import sys
from accelerate import Accelerator
from datasets import load_from_disk
from hf_dynsel.features import Pixels, extract
accelerator = Accelerator(cpu=True)
assert accelerator.num_processes == 2
rows = load_from_disk(sys.argv[1])
got = extract(rows, Pixels(pca=2), cache_dir=sys.argv[2], batch_size=3, shard_size=8)
assert len(got["features"]) == 40
"""


@pytest.mark.slow
def test_two_processes_write_the_bytes_of_one(tmp_path):
    rows = Dataset.from_dict({"image": [[[i, 3 * i], [200 - i * i % 50, 7]] for i in range(40)]})
    rows.save_to_disk(tmp_path / "rows")
    accelerator = Accelerator(cpu=True)
    sizes = {"batch_size": 3, "shard_size": 8}
    extract(rows, Pixels(pca=2), cache_dir=tmp_path / "one", accelerator=accelerator, **sizes)
    (tmp_path / "program.py").write_text(PROGRAM)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    program = [tmp_path / "program.py", tmp_path / "rows", tmp_path / "two"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    subprocess.run([*launch, *program], check=True, env=environment, timeout=300)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*/*")}
        for name in ("one", "two")
    )
    assert len(one) == 6
    assert one == two

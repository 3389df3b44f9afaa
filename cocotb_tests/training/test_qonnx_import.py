"""Networks in QONNX: files made here, evaluated by the qonnx package, against what was read from them."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cocotb_tests.golden.test_dense import predict, sums_of
from golden.input_buffer import InputParameters
from sim.runner import seed
from training import qonnx_import
from training.errors import TrainingError

CODING = InputParameters(100, 150, dark=-1, middle=0)
DOMAIN = "qonnx.custom_op.general"
SIZES = (12, 20, 16, 4)


class Maker:
    """Writes a network as Brevitas does."""

    def __init__(self, *, gemm: bool = False, narrow: int = 1, whole: bool = False) -> None:
        self.rng = np.random.default_rng(seed())
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.gemm, self.narrow, self.whole = gemm, narrow, whole

    def constant(self, value: Any) -> str:
        """Add a constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], f"{kind}_{name}", **attributes))
        return name

    def quant(self, name: str, scale: Any) -> str:
        """Add a ternary Quant node."""
        rest = [self.constant(scale), self.constant(0.0), self.constant(2.0)]
        return self.node("Quant", name, *rest, domain=DOMAIN, signed=1, narrow=self.narrow, rounding_mode="ROUND")

    def norm(self, name: str, size: int) -> str:
        """Add a batch normalisation with scales of both signs; with `whole`, one around whole sums."""
        rng = self.rng
        mean = rng.normal(size=size) * 2
        gamma = rng.choice([-1, 1], size) * rng.uniform(0.3, 2, size)
        beta = rng.normal(size=size) * 0.2
        if self.whole:
            mean, beta = np.rint(mean), np.zeros(size)
        values = gamma, beta, mean, rng.uniform(1, 4, size)
        return self.node("BatchNormalization", name, *map(self.constant, values))

    def product(self, name: str, inputs: int, outputs: int) -> str:
        """Add a dense layer."""
        values = self.rng.normal(size=(outputs, inputs))
        weights = self.quant(self.constant(values), 0.7 if not self.whole else 1.0)
        if self.gemm:
            return self.node("Gemm", name, weights, self.constant(np.zeros(outputs)), transB=1)
        return self.node("MatMul", name, self.node("Transpose", weights, perm=[1, 0]))

    def save(self, path: Path, output: str) -> Any:
        """Write the file; return the model."""
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                "made",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, SIZES[0]])],
                [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, SIZES[-1]])],
                self.constants,
            ),
            opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)],
            ir_version=9,
        )
        onnx.save(model, str(path))
        return model

    def network(self, path: Path) -> Any:
        """Write a whole network."""
        name = "x"
        for inputs, outputs in itertools.pairwise(SIZES[:-1]):
            name = self.quant(self.norm(self.product(name, inputs, outputs), outputs), 0.5)
        name = self.product(name, *SIZES[-2:])
        name = self.node("Mul", name, self.constant(0.25))
        name = self.node("Add", name, self.constant(np.arange(4) * 0.125))
        return self.save(path, name)


def _evaluated(model: Any, trits: np.ndarray) -> np.ndarray:
    """Give scores by the qonnx package, sample by sample."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    wrapped = ModelWrapper(model).transform(InferShapes())
    output = wrapped.graph.output[0].name
    return np.stack([execute_onnx(wrapped, {"x": row[None].astype(np.float32)})[output][0] for row in trits])


@pytest.mark.parametrize("gemm", [False, True], ids=["matmul", "gemm"])
def test_an_imported_network_predicts_as_qonnx_evaluates_it(tmp_path: Path, *, gemm: bool) -> None:
    model = Maker(gemm=gemm, whole=True).network(tmp_path / "n.onnx")
    dense, moved = qonnx_import.read(tmp_path / "n.onnx", CODING)
    assert moved == 0
    assert dense.sizes == list(SIZES)
    trits = np.random.default_rng(seed()).integers(-1, 2, (60, SIZES[0])).astype(np.int8)
    scores = _evaluated(model, trits)
    found = predict(dense, trits)
    # shifts are whole numbers of sums here, so that ties are the same as well
    np.testing.assert_array_equal(found, scores.argmax(axis=1))
    np.testing.assert_allclose(scores, 0.125 * sums_of(dense, trits), rtol=1e-6, atol=1e-6)
    assert len(set(found.tolist())) > 1


def test_bounds_that_moved_are_counted(tmp_path: Path) -> None:
    Maker().network(tmp_path / "n.onnx")
    _, moved = qonnx_import.read(tmp_path / "n.onnx", CODING)
    assert 0 < moved < sum(SIZES[1:-1])


def test_what_cannot_be_imported_is_named(tmp_path: Path) -> None:
    path = tmp_path / "n.onnx"
    with pytest.raises(TrainingError, match="no QONNX file"):
        qonnx_import.read(path, CODING)
    path.write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="is no ONNX file"):
        qonnx_import.read(path, CODING)
    Maker(narrow=0).network(path)
    with pytest.raises(TrainingError, match="is not ternary: it must have zero point 0, 2 bits, signed 1, narrow 1"):
        qonnx_import.read(path, CODING)
    for build, words in (
        (lambda m: m.node("Relu", m.product("x", 12, 4)), r"\(Relu\) is none that can be imported here"),
        (lambda m: m.quant(m.product("x", 12, 4), 1.0), "the last layer must end with sums"),
        (lambda m: m.product(m.product("x", 12, 9), 9, 4), "the layer before it has no Quant of activations"),
        (lambda m: m.node("MatMul", "x", m.constant(np.ones((12, 4)))), "weights do not come from a Quant node"),
        (lambda m: m.norm(m.product("x", 12, 4), 4), "must have one positive scale for all classes"),
        (lambda m: m.product(m.node("Mul", "x", m.constant(2.0)), 12, 4), "comes before any weights"),
    ):
        maker = Maker()
        maker.save(path, build(maker))
        with pytest.raises(TrainingError, match=words):
            qonnx_import.read(path, CODING)

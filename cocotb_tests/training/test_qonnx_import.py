"""Networks in QONNX: files made here, evaluated by the qonnx package, against what was read from them."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cocotb_tests.golden.test_dense import predict, sums_of
from golden.dense import Dense
from golden.input_buffer import InputParameters
from sim.runner import seed
from training import qonnx_import
from training.errors import TrainingError
from training.qonnx_input import recoding

CODING = InputParameters(100, 150, dark=-1, middle=0)
DOMAIN = "qonnx.custom_op.general"
SIZES = (12, 20, 16, 4)


class Maker:
    """Writes a network as Brevitas does."""

    def __init__(
        self, *, gemm: bool = False, narrow: int = 1, whole: bool = False, activation: float = 0.5, weight: float = 0.0
    ) -> None:
        self.rng = np.random.default_rng(seed())
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.gemm, self.narrow, self.whole, self.activation = gemm, narrow, whole, activation
        #: Scale of weights, or 0 for the usual one.
        self.weight = weight
        #: Names of the hidden layers' activations, and nodes before the first weights.
        self.activations: list[str] = []
        self.before: list[Any] = []

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

    def quant(self, name: str, scale: Any, bits: float = 2.0) -> str:
        """Add a Quant node, ternary if it has 2 bits."""
        rest = [self.constant(scale), self.constant(0.0), self.constant(bits)]
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
        weights = self.quant(self.constant(values), self.weight or (1.0 if self.whole else 0.7))
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

    def network(self, path: Path, before: Callable[["Maker"], str] = lambda _: "x", *, norm: bool = True) -> Any:
        """Write a whole network, behind what `before` makes of the input."""
        name = before(self)
        self.before = list(self.nodes)
        for inputs, outputs in itertools.pairwise(SIZES[:-1]):
            product = self.product(name, inputs, outputs)
            name = self.quant(self.norm(product, outputs) if norm else product, self.activation)
            self.activations.append(name)
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
    imported = qonnx_import.read(tmp_path / "n.onnx", CODING)
    dense = imported.dense
    assert imported.moved == 0
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
    imported = qonnx_import.read(tmp_path / "n.onnx", CODING)
    assert 0 < imported.moved < sum(SIZES[1:-1])


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
        (lambda m: m.product(m.node("Relu", "x"), 12, 4), r"Relu_t0 \(Relu\) comes before any weights"),
        (
            lambda m: m.product(m.node("Mul", "x", m.constant(np.arange(12) + 1)), 12, 4),
            r"nodes Mul_t0: what they make of the input follows neither from the trits -1, 0, 1 nor from the pixels "
            r"that CONFIG codes into them by one factor and shift",
        ),
        (lambda m: m.product(m.quant(m.node("Add", "x", m.constant(1.0)), 1.0), 12, 4), "nodes Add_t0, Quant_t1: what"),
    ):
        maker = Maker()
        maker.save(path, build(maker))
        with pytest.raises(TrainingError, match=words):
            qonnx_import.read(path, CODING)


#: What may come before the first weights -> what it makes of trits, as a factor and a shift.
_BEFORE: dict[str, tuple[Callable[[Maker], str], float, Any]] = {
    "ternary identity": (lambda m: m.quant("x", 1.0), 1, 0),
    "identity of 8 bits": (lambda m: m.quant("x", 1 / 64, 8.0), 1, 0),
    "another scale": (lambda m: m.quant(m.node("Mul", "x", m.constant(0.5)), 0.5), 0.5, 0),
    "recoding": (lambda m: m.node("Sub", m.node("Mul", "x", m.constant(2.0)), m.constant([1.0])), 2, -1),
    "backwards": (lambda m: m.node("Div", m.node("Add", "x", m.constant([3.0])), m.constant(-2.0)), -0.5, -1.5),
    "shift per input": (lambda m: m.node("Add", "x", m.constant(np.arange(12) % 3)), 1, np.arange(12) % 3),
}


def _hidden(dense: Dense, trits: np.ndarray) -> np.ndarray:
    """Trits of the first hidden layer."""
    sums = trits.astype(np.int64) @ dense.weights[0] - dense.centres[0]
    return np.where(np.abs(sums) >= dense.thresholds[0], np.sign(sums), 0)


def _hidden_of_qonnx(model: Any, inputs: np.ndarray, activation: str, scale: float) -> np.ndarray:
    """Trits of a hidden layer, by the qonnx package."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    wrapped = ModelWrapper(model).transform(InferShapes())
    contexts = (
        execute_onnx(wrapped, {"x": row[None].astype(np.float32)}, return_full_exec_context=True) for row in inputs
    )
    return np.rint(np.stack([context[activation][0] for context in contexts]) / scale).astype(np.int64)


@pytest.mark.parametrize("before", _BEFORE)
def test_what_comes_before_the_first_weights(before: str, tmp_path: Path) -> None:
    """An identity or a line on trits is passed over: neurons fire as QONNX evaluates them, but for those counted."""
    make, factor, shift = _BEFORE[before]
    maker = Maker(whole=True)
    model = maker.network(tmp_path / "n.onnx", make)
    imported = qonnx_import.read(tmp_path / "n.onnx", CODING)
    trits = np.random.default_rng(seed()).integers(-1, 2, (60, SIZES[0])).astype(np.int8)
    expected = _hidden_of_qonnx(model, trits, maker.activations[0], maker.activation)
    wrong = (_hidden(imported.dense, trits) != expected).any(axis=0).sum()
    assert wrong <= imported.moved + imported.ties
    if (factor, np.max(shift)) == (1, 0):
        assert wrong == 0
    assert len(np.unique(expected)) == 3
    nodes = list(model.graph.node[: len(maker.before)])
    held = {item.name: numpy_helper.to_array(item).astype(np.float64) for item in model.graph.initializer}
    given = {node.output[0]: qonnx_import.attributes(node) for node in nodes}
    found = recoding(nodes, lambda name, _: held[name], given, CODING)
    assert found[0] == factor
    np.testing.assert_allclose(np.broadcast_to(found[1], 12), np.broadcast_to(shift, 12), rtol=1e-12)


def test_pixels_become_trits_in_the_network(tmp_path: Path) -> None:
    """Brevitas' own networks take pixels of 0 .. 1, spread them to -1 .. 1 and quantise: the machine's coding."""
    maker = Maker(whole=True)
    spread = lambda m: m.node("Sub", m.node("Mul", "x", m.constant(2.0)), m.constant([1.0]))  # noqa: E731
    model = maker.network(tmp_path / "n.onnx", lambda m: m.quant(spread(m), 1.0))
    # of halves below 0.5 comes 0, of 0.5 and more 1
    coding = InputParameters(63, 191, dark=-1, middle=0)
    imported = qonnx_import.read(tmp_path / "n.onnx", coding)
    assert (imported.moved, imported.ties) == (0, 0)
    pixels = np.random.default_rng(seed()).integers(0, 256, (40, SIZES[0])).astype(np.uint8)
    expected = _hidden_of_qonnx(model, pixels / 255, maker.activations[0], maker.activation)
    np.testing.assert_array_equal(_hidden(imported.dense, coding.trits(pixels)), expected)
    with pytest.raises(TrainingError, match="follows neither from the trits -1, 0, 1 nor from the pixels that CONFIG"):
        qonnx_import.read(tmp_path / "n.onnx", InputParameters(64, 191, dark=-1, middle=0))


def test_sums_on_a_bound_are_counted(tmp_path: Path) -> None:
    """Without batch normalisation sums lie on bounds: floating point rounds them either way, and no other ones."""
    maker = Maker(whole=True, activation=0.05, weight=0.025)
    model = maker.network(tmp_path / "n.onnx", lambda m: m.quant("x", 1.0), norm=False)
    imported = qonnx_import.read(tmp_path / "n.onnx", CODING)
    # the second layer: sums of trits times 0.025 * 0.05, in units of 0.05, of which 20 are a half
    assert imported.moved == 0
    assert imported.ties > 0
    trits = np.random.default_rng(seed()).integers(-1, 2, (60, SIZES[0])).astype(np.int8)
    expected = _hidden_of_qonnx(model, trits, maker.activations[0], maker.activation)
    sums = trits.astype(np.int64) @ imported.dense.weights[0]
    on_a_bound = np.abs(0.025 * np.abs(sums) / 0.05 - 0.5) < 1e-6
    found = _hidden(imported.dense, trits)
    np.testing.assert_array_equal(found[~on_a_bound], expected[~on_a_bound])
    assert on_a_bound.any()
    assert (found[on_a_bound] == 0).all()

"""The machine on a bus: registers, packets, frames of the serial link, and a model of the whole block."""

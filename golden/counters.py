"""Names of the event counters (twin of `hdl/counters.py`).

Energy is computed from these counts, so they are complete: every access to the array and to the gradient memory is in
exactly one of them, forward and backward apart.
"""

#: Width of every counter; it wraps.
COUNTER_BITS = 48

#: Name and meaning of every counter, in the order of the registers.
COUNTERS = {
    "cycles_wait": "cycles waiting for a command, a sample or for a result to be taken",
    "cycles_init": "cycles of initialising the array",
    "cycles_forward": "cycles of forward passes and of the output errors",
    "cycles_backward": "cycles of backward passes",
    "cycles_gradient": "cycles of gradient accumulation",
    "cycles_update": "cycles of write passes",
    "samples": "samples worked on",
    "correct": "samples whose prediction was the label",
    "updates": "write passes over all layers, one per mini-batch",
    "forward_rows_driven": "rows driven in forward passes, one per non-zero input",
    "forward_rows_sensed": "rows sensed in forward passes",
    "forward_groups_sensed": "groups of column sums read out in forward passes",
    "forward_products": "non-zero products in forward passes",
    "backward_rows_driven": "rows driven in backward passes, one per non-zero error",
    "backward_rows_sensed": "rows sensed in backward passes",
    "backward_groups_sensed": "groups of column sums read out in backward passes",
    "backward_products": "non-zero products in backward passes",
    "gradient_rows": "rows of the gradient memory accumulated",
    "update_rows": "rows of the gradient memory read for write pulses, not those read again to clear switched lanes",
    "rows_initialised": "rows put into random states",
    "rows_pulsed": "rows that received write pulses",
    "rows_written": "rows whose device states the host has loaded",
    "rows_read": "rows whose device states the host has dumped, once for every device of a synapse",
    "pulses": "devices pulsed",
    "pulse_width": "sum of the width codes of all devices pulsed",
    "switches": "devices switched by pulses",
}

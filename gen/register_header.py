"""The C header of the register map: a structure whose members are the registers, and masks of their fields.

Nothing is left to the compiler. Every member is one aligned, volatile word, so that every access of it is one access on
the bus, and a register of several words is an array of them, lowest first. The header is C99, C11 and C++11, and needs
`stdint.h` alone, which compilers bring for machines without an operating system too.
"""

from golden.bus.register_map import WORD, Kind, Register, RegisterMap

_HEAD = """\
/* Registers of the block on a bus, docs/bus.md. Written by `make registers` from gen/registers.rdl.
 *
 * FIELD_bm is a field's mask, FIELD_bp its lowest bit, FIELD_bw its width, FIELD_reset its value after reset. A
 * register of several words is an array, the lowest word first; of a counter read that one first. */

#ifndef MTJ_GXNOR_H
#define MTJ_GXNOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
"""

_TAIL = """\

/* The compiler has put every register where the block has it. */
typedef char mtj_gxnor_layout[(sizeof(mtj_gxnor_t) == %#x) ? 1 : -1];

#ifdef __cplusplus
}
#endif

#endif /* MTJ_GXNOR_H */
"""


def header(registers: RegisterMap) -> str:
    """Write the header.

    Parameters
    ----------
    registers : RegisterMap
        The map, with as many layers as the header shall serve.

    Returns
    -------
    str
        Its text. The structure is ``mtj_gxnor_t``, its members have the names of the map; macros are
        ``MTJ_GXNOR__REGISTER__FIELD_bm`` and so on, named values ``MTJ_GXNOR__REGISTER__FIELD__VALUE``.
    """
    fields = "".join(_fields(register) for register in registers.registers)
    size = max(registers.places) + WORD
    return f"{_HEAD}{fields}\n{_structure(registers)}{_TAIL % size}"


def _fields(register: Register) -> str:
    """Write the macros of a register's fields."""
    text = f"\n/* {register.name}: {register.text} */\n"
    for part in register.fields:
        prefix = f"#define MTJ_GXNOR__{register.name}__{part.name}"
        text += f"{prefix}_bm {_number(part.mask)}\n{prefix}_bp {part.lsb}\n{prefix}_bw {part.width}\n"
        text += "".join(f"{prefix}__{name} {_number(value)}\n" for name, value in part.values.items())
        # what the others are after reset, hardware says
        text += f"{prefix}_reset {_number(part.reset)}\n" if part.kind is not Kind.STATUS else ""
    return text


def _number(value: int) -> str:
    return f"{value:#x}{'ull' if value >> 32 else 'u'}"


def _structure(registers: RegisterMap) -> str:
    """Write the structure, with words of their own where there is no register."""
    text, end = "typedef struct {\n", 0
    for register in registers.registers:
        gap, words = (register.address - end) // WORD, max(1, register.count) * register.words
        text += f"    uint32_t reserved_{end:x}[{gap}];\n" if gap else ""
        text += f"    volatile uint32_t {register.name}{f'[{words}]' if words > 1 else ''};\n"
        end = register.address + WORD * words
    return f"{text}}} mtj_gxnor_t;\n"

/* models/language/lid.176.ftz as read-only data; the assembler finds it by its -I. */
  .section .rodata
  .global valence_language_model
  .global valence_language_model_end
  .balign 64
valence_language_model:
  .incbin "lid.176.ftz"
valence_language_model_end:
  .byte 0
  .section .note.GNU-stack, "", @progbits

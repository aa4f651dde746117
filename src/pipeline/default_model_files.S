/* The files of models/default as read-only data; the assembler finds them by its -I. */
#define EMBED(symbol, file) \
  .global symbol;           \
  .global symbol##_end;     \
  .balign 64;               \
  symbol: .incbin file;     \
  symbol##_end: .byte 0

  .section .rodata
  EMBED(valence_default_config, "config.json")
  EMBED(valence_default_vocabulary, "vocab.txt")
  EMBED(valence_default_tokenizer, "tokenizer_config.json")
  EMBED(valence_default_weights, "model.safetensors")
  .section .note.GNU-stack, "", @progbits

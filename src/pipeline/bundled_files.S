/* The files of models/ as read-only data, and a table of their paths, beginnings and ends; the assembler finds them by
   its -I. */
  .macro file path
  .section .rodata
  .balign 64
1: .incbin "\path"
2: .byte 0
3: .asciz "\path"
  .section .data.rel.ro, "aw", @progbits
  .quad 3b, 1b, 2b
  .endm

  .macro adapter name
  file "adapters/\name/adapter_config.json"
  file "adapters/\name/adapter_model.safetensors"
  file "adapters/\name/config.json"
  file "adapters/\name/README.md"
  .endm

  .section .data.rel.ro, "aw", @progbits
  .balign 8
  .global valence_bundled_files
  .hidden valence_bundled_files
valence_bundled_files:
  file "default/README.md"
  file "default/config.json"
  file "default/vocab.txt"
  file "default/tokenizer_config.json"
  file "default/model.safetensors"
  file "multilingual/README.md"
  file "multilingual/config.json"
  file "multilingual/model.safetensors"
  file "multilingual/sentencepiece.bpe.model"
  file "multilingual/tokenizer_config.json"
  adapter emotion
  adapter irony
  adapter offensive
  adapter sentiment-2
  adapter sentiment-5
  file "routes.json"
  .quad 0
  .section .note.GNU-stack, "", @progbits

/* The page (web/dist) and the description of the API as read-only data; the assembler finds them by its -I. */
#define EMBED(symbol, file) \
  .global symbol;           \
  .global symbol##_end;     \
  symbol: .incbin file;     \
  symbol##_end: .byte 0

  .section .rodata
  EMBED(valence_page_html, "index.html")
  EMBED(valence_page_script, "app.js")
  EMBED(valence_page_style, "app.css")
  EMBED(valence_page_icon, "icon.svg")
  EMBED(valence_serve_openapi, "openapi.json")
  .section .note.GNU-stack, "", @progbits

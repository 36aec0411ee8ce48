(module
  (memory (export "memory") 257)
  (func (export "main")))

(module
  (memory (export "memory") 17)
  (func (export "main")))

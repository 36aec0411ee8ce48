(module
  (memory (export "memory") 1)
  (func (export "main")
    (block (br 0))))

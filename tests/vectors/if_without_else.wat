(module
  (memory (export "memory") 1)
  (func (export "main")
    (if (i32.const 1) (then nop))
    (if (i32.const 0) (then nop))))

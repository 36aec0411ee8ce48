(module
  (memory (export "memory") 1)
  (func (export "main")
    (if (i32.const 1) (then nop) (else nop nop nop))
    (if (i32.const 0) (then nop) (else nop nop nop))))

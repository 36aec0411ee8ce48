(module
  (memory (export "memory") 1)
  (func (export "main")
    return
    (drop (f32.const 1))))

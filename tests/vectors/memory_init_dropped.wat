(module
  (memory (export "memory") 1)
  (data "abcd")
  (func (export "main")
    (data.drop 0)
    (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))))

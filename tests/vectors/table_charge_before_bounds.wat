(module
  (memory (export "memory") 1)
  (table 8 funcref)
  (elem func $f)
  (func $f)
  (func (export "main")
    (table.init 0 (i32.const 0) (i32.const 0) (i32.const -1))))

(module
  (memory (export "memory") 1)
  (func (export "main") (local $i i32)
    (loop $again
      (block $c
        (block $b
          (block $a
            (br_table $a $b $c (i32.and (local.get $i) (i32.const 3))))
          nop
          (br $c))
        nop
        nop)
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40000))))))

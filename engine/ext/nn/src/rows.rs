//! Every function: module, name, body, price.

use crate::table::Nn;

gristmill::host_api! {
    impl [] Nn, in_static is_static {
        /// Loads a model that the guest brings: `count` pairs of pointer and length at `builders`. Writes its handle at `out`.
        "wasi_ephemeral_nn" load => load(builders: i32, count: i32, encoding: i32, target: i32, out: i32) -> i32, Nn::call, writes;
        /// Loads the model that is granted under a name. Writes its handle at `out`.
        "wasi_ephemeral_nn" load_by_name => load_by_name(name: i32, name_len: i32, out: i32) -> i32, Nn::call, writes;
        /// The same with options, which must be none.
        "wasi_ephemeral_nn" load_by_name_with_config => load_by_name_with_config(name: i32, name_len: i32, config: i32,
            config_len: i32, out: i32) -> i32, Nn::call, writes;
        /// Makes a context for runs of a model. Writes its handle at `out`.
        "wasi_ephemeral_nn" init_execution_context => init_execution_context(graph: i32, out: i32) -> i32, Nn::call, writes;
        /// Gives the context the tensor whose record is at `tensor` as an input.
        "wasi_ephemeral_nn" set_input => set_input(context: i32, index: i32, tensor: i32) -> i32, Nn::call, writes;
        /// Runs the model.
        "wasi_ephemeral_nn" compute => compute(context: i32) -> i32, Nn::call, writes;
        /// Writes an output at `buf`, which has `max` bytes, and its length at `written`.
        "wasi_ephemeral_nn" get_output => get_output(context: i32, index: i32, buf: i32, max: i32, written: i32) -> i32,
            Nn::call, reads;
        /// Gives a model up. Contexts of it stay.
        "wasi_ephemeral_nn" unload => unload(graph: i32) -> i32, Nn::call, writes;
        /// Gives a context up.
        "wasi_ephemeral_nn" finalize_execution_context => finalize_execution_context(context: i32) -> i32, Nn::call, writes;
        /// Of language models, which nothing here runs: unsupported.
        "wasi_ephemeral_nn" compute_single => compute_single(context: i32) -> i32, Nn::call, reads;
        /// Of language models: unsupported.
        "wasi_ephemeral_nn" get_output_single => get_output_single(context: i32, index: i32, buf: i32, max: i32, written: i32)
            -> i32, Nn::call, reads;
        /// Of language models: unsupported.
        "wasi_ephemeral_nn" fini_single => fini_single(context: i32) -> i32, Nn::call, reads;

        /// Loads a frozen graph and begins a session; 0 if it cannot.
        "ssvm_tensorflow" ssvm_tensorflow_create_session => tf_create_session(model: i32, len: i32) -> i64, Nn::call, writes;
        /// Ends a session.
        "ssvm_tensorflow" ssvm_tensorflow_delete_session => tf_delete_session(session: i64) -> none, Nn::call, writes;
        /// Computes the outputs that were asked for: 0, or 1 if it cannot.
        "ssvm_tensorflow" ssvm_tensorflow_run_session => tf_run_session(session: i64) -> i32, Nn::call, writes;
        /// A handle of an output; 0 if it was not computed.
        "ssvm_tensorflow" ssvm_tensorflow_get_output_tensor => tf_get_output_tensor(session: i64, name: i32, name_len: i32,
            index: i32) -> i64, Nn::call, writes;
        /// Bytes of a tensor.
        "ssvm_tensorflow" ssvm_tensorflow_get_tensor_len => tf_get_tensor_len(tensor: i64) -> i32, Nn::call, reads;
        /// Writes all of them at `buf`.
        "ssvm_tensorflow" ssvm_tensorflow_get_tensor_data => tf_get_tensor_data(tensor: i64, buf: i32) -> none, Nn::call, reads;
        /// Gives the session an input.
        "ssvm_tensorflow" ssvm_tensorflow_append_input => tf_append_input(session: i64, name: i32, name_len: i32, index: i32,
            dims: i32, dim_count: i32, dtype: i32, data: i32, data_len: i32) -> none, Nn::call, writes;
        /// Asks for an output.
        "ssvm_tensorflow" ssvm_tensorflow_append_output => tf_append_output(session: i64, name: i32, name_len: i32, index: i32)
            -> none, Nn::call, writes;
        /// Forgets the inputs.
        "ssvm_tensorflow" ssvm_tensorflow_clear_input => tf_clear_input(session: i64) -> none, Nn::call, writes;
        /// Forgets the outputs.
        "ssvm_tensorflow" ssvm_tensorflow_clear_output => tf_clear_output(session: i64) -> none, Nn::call, writes;

        /// Loads a model and begins a session; 0 if it cannot.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_create_session => lite_create_session(model: i32, len: i32) -> i64, Nn::call,
            writes;
        /// Ends a session.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_delete_session => lite_delete_session(session: i64) -> none, Nn::call, writes;
        /// Runs the model: 0, or 1 if it cannot.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_run_session => lite_run_session(session: i64) -> i32, Nn::call, writes;
        /// A handle of an output; 0 if there is none.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_get_output_tensor => lite_get_output_tensor(session: i64, name: i32,
            name_len: i32) -> i64, Nn::call, writes;
        /// Bytes of a tensor.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_get_tensor_len => lite_get_tensor_len(tensor: i64) -> i32, Nn::call, reads;
        /// Writes all of them at `buf`.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_get_tensor_data => lite_get_tensor_data(tensor: i64, buf: i32) -> none,
            Nn::call, reads;
        /// Gives the session an input, or another in its place.
        "ssvm_tensorflowlite" ssvm_tensorflowlite_append_input => lite_append_input(session: i64, name: i32, name_len: i32,
            data: i32, data_len: i32) -> none, Nn::call, writes;

        /// Decodes a JPEG, resizes it, and writes bytes of red, green, blue at `dst`: 0, or 1 if it cannot.
        "ssvm_image" ssvm_image_load_jpg_to_rgb8 => jpg_to_rgb8(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// The same, blue first.
        "ssvm_image" ssvm_image_load_jpg_to_bgr8 => jpg_to_bgr8(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// The same in floats from 0 to 1.
        "ssvm_image" ssvm_image_load_jpg_to_rgb32f => jpg_to_rgb32f(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// The same in floats, blue first.
        "ssvm_image" ssvm_image_load_jpg_to_bgr32f => jpg_to_bgr32f(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// Decodes a PNG.
        "ssvm_image" ssvm_image_load_png_to_rgb8 => png_to_rgb8(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// The same, blue first.
        "ssvm_image" ssvm_image_load_png_to_bgr8 => png_to_bgr8(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// The same in floats from 0 to 1.
        "ssvm_image" ssvm_image_load_png_to_rgb32f => png_to_rgb32f(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;
        /// The same in floats, blue first.
        "ssvm_image" ssvm_image_load_png_to_bgr32f => png_to_bgr32f(img: i32, len: i32, width: i32, height: i32, dst: i32) -> i32,
            Nn::image_call, reads;

        /// Loads a frozen graph and begins a session; writes its handle at `out`.
        "wasmedge_tensorflow" create_session => create_session(model: i32, len: i32, out: i32) -> i32, Nn::call, writes;
        /// Of a directory of the host: no model of that encoding is taken.
        "wasmedge_tensorflow" create_session_saved_model => create_session_saved_model(path: i32, len: i32, tags: i32,
            tag_count: i32, out: i32) -> i32, Nn::call, reads;
        /// Ends a session.
        "wasmedge_tensorflow" delete_session => delete_session(session: i32) -> i32, Nn::call, writes;
        /// Computes the outputs that were asked for.
        "wasmedge_tensorflow" run_session => run_session(session: i32) -> i32, Nn::call, writes;
        /// Writes a handle of an output at `out`.
        "wasmedge_tensorflow" get_output_tensor => get_output_tensor(session: i32, name: i32, name_len: i32, out: i32) -> i32,
            Nn::call, writes;
        /// Writes the bytes of a tensor, their number, at `out`.
        "wasmedge_tensorflow" get_tensor_len => get_tensor_len(session: i32, tensor: i32, out: i32) -> i32, Nn::call, reads;
        /// Writes a tensor at `buf`, which has `max` bytes, and its length at `written`.
        "wasmedge_tensorflow" get_tensor_data => get_tensor_data(session: i32, tensor: i32, buf: i32, max: i32, written: i32)
            -> i32, Nn::call, reads;
        /// Gives the session an input, `name:index`.
        "wasmedge_tensorflow" append_input => append_input_named(session: i32, name: i32, name_len: i32, dims: i32,
            dim_count: i32, dtype: i32, data: i32, data_len: i32) -> i32, Nn::call, writes;
        /// Asks for an output, `name:index`.
        "wasmedge_tensorflow" append_output => append_output_named(session: i32, name: i32, name_len: i32) -> i32, Nn::call,
            writes;
        /// Forgets the inputs.
        "wasmedge_tensorflow" clear_input => clear_input(session: i32) -> i32, Nn::call, writes;
        /// Forgets the outputs.
        "wasmedge_tensorflow" clear_output => clear_output(session: i32) -> i32, Nn::call, writes;

        /// Loads a model and begins a session; writes its handle at `out`.
        "wasmedge_tensorflowlite" create_session => create_lite_session(model: i32, len: i32, out: i32) -> i32, Nn::call, writes;
        /// Ends a session.
        "wasmedge_tensorflowlite" delete_session => delete_lite_session(session: i32) -> i32, Nn::call, writes;
        /// Runs the model.
        "wasmedge_tensorflowlite" run_session => run_lite_session(session: i32) -> i32, Nn::call, writes;
        /// Writes a handle of an output at `out`.
        "wasmedge_tensorflowlite" get_output_tensor => get_lite_output_tensor(session: i32, name: i32, name_len: i32, out: i32)
            -> i32, Nn::call, writes;
        /// Writes the bytes of a tensor, their number, at `out`.
        "wasmedge_tensorflowlite" get_tensor_len => get_lite_tensor_len(session: i32, tensor: i32, out: i32) -> i32, Nn::call,
            reads;
        /// Writes a tensor at `buf`, which has `max` bytes, and its length at `written`.
        "wasmedge_tensorflowlite" get_tensor_data => get_lite_tensor_data(session: i32, tensor: i32, buf: i32, max: i32,
            written: i32) -> i32, Nn::call, reads;
        /// Gives the session an input, or another in its place.
        "wasmedge_tensorflowlite" append_input => append_lite_input(session: i32, name: i32, name_len: i32, data: i32,
            data_len: i32) -> i32, Nn::call, writes;

        /// Decodes a JPEG, resizes it, and writes it at `dst`, which has `dst_len` bytes: kind 0 is RGB in bytes, 1 BGR, 2 and 3 the
        /// same as light in floats. 0, or 1 if it cannot.
        "wasmedge_image" load_jpg => load_jpg(img: i32, len: i32, width: i32, height: i32, kind: i32, dst: i32, dst_len: i32)
            -> i32, Nn::image_call, reads;
        /// The same of a PNG.
        "wasmedge_image" load_png => load_png(img: i32, len: i32, width: i32, height: i32, kind: i32, dst: i32, dst_len: i32)
            -> i32, Nn::image_call, reads;
        /// The same of either, as the bytes say.
        "wasmedge_image" load_image => load_image(img: i32, len: i32, width: i32, height: i32, kind: i32, dst: i32, dst_len: i32)
            -> i32, Nn::image_call, reads;
    }
}

// Divides by subtracting, a bit a clock.
module divider (
  input clock, start,
  input [7:0] dividend, divisor,
  output reg [7:0] quotient, remainder,
  output reg busy
);
  reg [2:0] left;
  wire [8:0] next = {remainder, quotient[7]};
  always @(posedge clock)
    if (start) begin
      {remainder, quotient} <= {8'b0, dividend};
      left <= 7;
      busy <= 1;
    end else if (busy) begin
      remainder <= next >= divisor ? next - divisor : next;
      quotient <= {quotient[6:0], next >= divisor};
      left <= left - 1;
      busy <= left != 0;
    end
endmodule

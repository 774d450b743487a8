"""What the evaluator looks at: indicators, silence, points, readings; and whether signals are as they should be."""

"""The history that planners question: lists, exports, saved questions, de-identified counts, and who asked."""

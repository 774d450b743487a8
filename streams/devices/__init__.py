"""Cameras and access points: samples, runs of equal state, device-time per unit and minute."""

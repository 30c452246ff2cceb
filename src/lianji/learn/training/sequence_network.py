"""The network of the sequence model. Importing this imports torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DAYS = 28
TOKEN = 3
"""Numbers a day: the load at the hour, its mean of the hour before and of the day before."""
WEEKDAYS = 7
CALENDAR = 4 + WEEKDAYS
WIDTH = 16
DROPOUT = 0.1
SAME_WEEKDAY = [7, 14, 21, 28]


class DayByDay(nn.Module):
    """Reads the last 28 days at one hour, oldest first, and adds to the mean of the same weekdays.

    ``forward`` takes [rows, 28 * 3 + 2] in the load's unit, the last two being the hour (0 up to
    24) and the weekday (0 to 6), and gives [rows, 1]. What is missing is taken for the mean.
    """

    def __init__(self, mean: float, spread: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("spread", torch.tensor(spread))
        self.mean: Tensor
        self.spread: Tensor
        self.recall = nn.GRU(TOKEN + CALENDAR, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Sequential(
            nn.Linear(WIDTH + CALENDAR + DAYS, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        loads = (x[:, : DAYS * TOKEN] - self.mean) / self.spread
        days = torch.where(torch.isnan(loads), torch.zeros_like(loads), loads)
        days = days.reshape(-1, DAYS, TOKEN)
        calendar = self._calendar(x[:, DAYS * TOKEN], x[:, DAYS * TOKEN + 1])
        told = calendar.unsqueeze(1).expand(-1, DAYS, -1)
        recalled, _ = self.recall(torch.cat([days, told], dim=2).transpose(0, 1))
        at_hour = days[:, :, 0]
        weekdays = [at_hour[:, DAYS - back] for back in SAME_WEEKDAY]
        usual = torch.stack(weekdays, dim=1).mean(dim=1)
        last = self.dropout(torch.cat([recalled[-1], calendar, at_hour], dim=1))
        y: Tensor = (usual.unsqueeze(1) + self.head(last)) * self.spread + self.mean
        return y

    def _calendar(self, hour: Tensor, weekday: Tensor) -> Tensor:
        turn = hour.unsqueeze(1) * (torch.pi / 12)
        waves = [torch.sin(turn), torch.cos(turn), torch.sin(2 * turn), torch.cos(2 * turn)]
        which = [(weekday == one).to(hour.dtype).unsqueeze(1) for one in range(WEEKDAYS)]
        return torch.cat(waves + which, dim=1)

/* What the guest draws: colour bars and a grey ramp (to see wrong colours), a status line, typed text. */
#include "guest.h"

#include <stdio.h>
#include <string.h>

#include "font.h" /* made from font.txt: font[128][8], 5 bits a row */

#define PAPER 0x00101c30
#define INK 0x00e8eef8
#define DIM 0x008fa3c2
#define MARGIN 16
#define CELL_WIDTH 6
#define CELL_HEIGHT 10
#define TYPED_LIMIT 8192

static uint32_t typed[TYPED_LIMIT];     /* kept, so that a resize can draw it again */
static int typed_count;
static char status_text[96] = "ready";

static int scale_of(const struct screen *screen)
{
    return screen->width >= 640 ? 2 : 1;
}

static void fill(struct screen *screen, int x, int y, int width, int height, uint32_t colour)
{
    if (x + width > screen->width)
        width = screen->width - x;
    if (y + height > screen->height)
        height = screen->height - y;
    for (int row = y; row < y + height; row++)
        for (int column = x; column < x + width; column++)
            screen->pixels[row * screen->stride + column] = colour;
}

static void glyph(struct screen *screen, int x, int y, uint32_t character, uint32_t colour)
{
    static const uint8_t box[8] = {31, 17, 17, 17, 17, 17, 31}; /* what is not ASCII */
    const uint8_t *rows = character < 128 ? font[character] : box;
    int scale = scale_of(screen);
    for (int row = 0; row < 8; row++)
        for (int column = 0; column < 5; column++)
            if (rows[row] >> (4 - column) & 1)
                fill(screen, x + column * scale, y + row * scale, scale, scale, colour);
}

static void line(struct screen *screen, int x, int y, const char *text, uint32_t colour)
{
    for (; *text; text++, x += CELL_WIDTH * scale_of(screen))
        glyph(screen, x, y, (uint8_t)*text, colour);
}

static int bars_height(const struct screen *screen)
{
    return screen->height / 6;
}

static int status_top(const struct screen *screen)
{
    return bars_height(screen) + screen->height / 24 + MARGIN + CELL_HEIGHT * scale_of(screen);
}

static int text_top(const struct screen *screen)
{
    return status_top(screen) + 2 * CELL_HEIGHT * scale_of(screen);
}

static void draw_status(struct screen *screen)
{
    int height = CELL_HEIGHT * scale_of(screen);
    fill(screen, 0, status_top(screen), screen->width, height, PAPER);
    line(screen, MARGIN, status_top(screen), status_text, DIM);
}

/* Lay the typed text out from its start; where it does not fit, the oldest half goes. */
static void draw_typed(struct screen *screen)
{
    int scale = scale_of(screen), left = MARGIN, top = text_top(screen);
    int columns = (screen->width - 2 * MARGIN) / (CELL_WIDTH * scale);
    int rows = (screen->height - top - MARGIN) / (CELL_HEIGHT * scale);
    int column, row;
again:
    fill(screen, 0, top, screen->width, screen->height - top, PAPER);
    column = row = 0;
    for (int i = 0; i < typed_count; i++) {
        if (typed[i] == '\n' || column >= columns) {
            column = 0;
            row++;
        }
        if (row >= rows && typed_count > 1) {
            int half = typed_count / 2;
            memmove(typed, typed + half, (typed_count - half) * sizeof typed[0]);
            typed_count -= half;
            goto again;
        }
        if (typed[i] != '\n')
            glyph(screen, left + column++ * CELL_WIDTH * scale, top + row * CELL_HEIGHT * scale, typed[i], INK);
    }
    fill(screen, left + column * CELL_WIDTH * scale, top + row * CELL_HEIGHT * scale,
         CELL_WIDTH * scale, 8 * scale, 0x00ffb020);
}

void paint_all(struct screen *screen)
{
    static const uint32_t bars[8] = {0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000};
    int width = screen->width, top = bars_height(screen), ramp = screen->height / 24;
    for (int x = 0; x < width; x++) {
        uint32_t grey = (uint32_t)x * 255 / (width > 1 ? width - 1 : 1);
        fill(screen, x, 0, 1, top, bars[x * 8 / width]);
        fill(screen, x, top, 1, ramp, grey << 16 | grey << 8 | grey);
    }
    fill(screen, 0, top + ramp, width, screen->height - top - ramp, PAPER);
    char title[64];
    snprintf(title, sizeof title, "tsgateway test guest  %dx%d", screen->width, screen->height);
    line(screen, MARGIN, top + ramp + MARGIN, title, INK);
    draw_status(screen);
    draw_typed(screen);
}

void paint_status(struct screen *screen, const char *text)
{
    snprintf(status_text, sizeof status_text, "%s", text);
    draw_status(screen);
    screen_flush(screen, 0, status_top(screen), screen->width, CELL_HEIGHT * scale_of(screen));
}

void paint_type(struct screen *screen, uint32_t character)
{
    if (character == '\b') {
        typed_count -= typed_count > 0;
    } else {
        if (typed_count == TYPED_LIMIT) {
            memmove(typed, typed + TYPED_LIMIT / 2, sizeof typed / 2);
            typed_count -= TYPED_LIMIT / 2;
        }
        typed[typed_count++] = character == '\t' ? ' ' : character;
    }
    draw_typed(screen);
    screen_flush(screen, 0, text_top(screen), screen->width, screen->height - text_top(screen));
}

/* Slanted colour stripes that travel: every pixel changes, yet rows repeat, as in scrolling. */
void paint_moving(struct screen *screen, unsigned frame)
{
    static uint32_t pattern[16384 + 256];
    if (!pattern[1])
        for (unsigned x = 0; x < sizeof pattern / sizeof pattern[0]; x++) {
            uint32_t wave = x & 128 ? 255 - (x & 127) * 2 : (x & 127) * 2;
            pattern[x] = 0x010000 | wave << 16 | (255 - wave) << 8 | (x & 255);
        }
    for (int y = 0; y < screen->height; y++)
        memcpy(screen->pixels + (size_t)y * screen->stride, pattern + ((frame * 8 + y) & 255),
               (size_t)screen->width * 4);
    screen_flush(screen, 0, 0, screen->width, screen->height);
}

/* Pixels that nothing can compress. */
void paint_noise(struct screen *screen, unsigned frame)
{
    uint64_t state = 0x9e3779b97f4a7c15u * (frame + 1);
    for (int y = 0; y < screen->height; y++)
        for (int x = 0; x < screen->width; x++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            screen->pixels[y * screen->stride + x] = state & 0xffffff;
        }
    screen_flush(screen, 0, 0, screen->width, screen->height);
}

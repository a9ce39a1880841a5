/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal with edited keys. */
int main(void)
{
    return 0;
}
